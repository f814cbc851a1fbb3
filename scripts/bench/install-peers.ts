import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

const FOLDER = import.meta.dir;
const INSTALLED = join(FOLDER, "node_modules");

/**
 * Installs what deby is measured against, in a folder of its own, unless that was done since its package.json changed.
 * @throws Error when it cannot be installed.
 */
export async function installPeers(): Promise<void> {
  if (isInstalled()) return;
  console.error("Installing the packages that deby is measured against (scripts/bench/package.json)");
  const command = [process.execPath, "install", "--frozen-lockfile", "--no-progress"];
  const install = Bun.spawn(command, { cwd: FOLDER, stdio: ["ignore", 2, 2] });
  if ((await install.exited) !== 0) throw new Error("Cannot install them: bun install failed in scripts/bench");
  // The folder's own age does not tell: Bun leaves it alone where it has little to do.
  await Bun.write(join(INSTALLED, ".installed"), "");
}

function isInstalled(): boolean {
  const marker = join(INSTALLED, ".installed");
  if (!existsSync(marker)) return false;
  return statSync(marker).mtimeMs >= statSync(join(FOLDER, "package.json")).mtimeMs;
}
