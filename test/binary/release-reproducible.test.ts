import { expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../support/run-command.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const ROOT = join(import.meta.dir, "../..");
const SOURCE = "LICENSE README.md bun.lock bunfig.toml package.json scripts src tsconfig.json".split(" ");
/** What a build makes once and keeps. */
const KEPT = join("dist", "embedded");
const TARGETS = ["linux-x64", "macos-arm64"].flatMap((name) => ["--target", name]);

interface BuildOptions {
  readonly copied: readonly string[];
  readonly cwd?: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Copies the project to a folder of that name, installs its packages, builds there, and returns the checksums. */
async function buildIn(name: string, { copied, cwd, env }: BuildOptions): Promise<string> {
  await using temp = makeTempFolder("reproducible");
  const folder = join(temp.path, name);
  for (const path of copied) cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  const revision = { SOURCE_COMMIT: "0123456789", SOURCE_DATE_EPOCH: "1700000000" };
  const options = { env: { ...process.env, ...revision, ...env } as Record<string, string>, deadlineMs: 240_000 };
  const install = [process.execPath, "install", "--frozen-lockfile", "--ignore-scripts", "--omit", "optional"];
  await runCommand(install, { ...options, cwd: folder });
  const build = [process.execPath, join(folder, "scripts", "build.ts"), ...TARGETS, "--out", join(folder, "out")];
  await runCommand(build, { ...options, cwd: cwd ?? folder });
  return readFileSync(join(folder, "out", "SHA256SUMS"), "utf8");
}

test("two builds of one commit agree to the byte, whatever the folder, time zone, locale, process and what was kept", async () => {
  const copied = existsSync(join(ROOT, KEPT)) ? [...SOURCE, KEPT] : SOURCE;
  const first = await buildIn("a", { copied, env: { TZ: "UTC", LC_ALL: "C" } });
  const second = await buildIn("deeper/and with a space", {
    copied: SOURCE,
    cwd: "/",
    env: { TZ: "Asia/Kathmandu", LC_ALL: "C.UTF-8", NODE_ENV: "test" },
  });
  expect(second).toBe(first);
  expect(first.trim().split("\n")).toHaveLength(5);
}, 480_000);
