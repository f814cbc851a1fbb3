import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { docker } from "../support/docker.ts";
import { runCommand } from "../support/run-command.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const ROOT = join(import.meta.dir, "../..");

export interface BuiltImage extends AsyncDisposable {
  readonly name: string;
}

/**
 * Builds the project's Dockerfile without a registry: its two base images are made of this machine's own C library, Bun
 * and shell, and of the packages as Bun's cache holds them.
 */
export async function buildDebyImage(): Promise<BuiltImage> {
  await using folder = makeTempFolder("image");
  const id = crypto.randomUUID().slice(0, 8);
  const [bun, base, name] = [`deby-test-bun:${id}`, `deby-test-base:${id}`, `deby-test:${id}`];
  try {
    const libraries = await librariesOf(process.execPath, "/bin/sh");
    await importImage(base, ["--dereference", ...libraries]);
    await installPackages(join(folder.path, "src"));
    copyFileSync(process.execPath, join(folder.path, "bun"));
    // Other people's source maps are half of the bytes, and play no part.
    const own = ["--exclude=*.map", "--transform=s,^bun$,usr/bin/bun,", "-C", folder.path, "bun", "src/node_modules"];
    await importImage(bun, ["--dereference", ...libraries, "/bin/sh", ...own]);
    await buildImage(name, { BUN: bun, BASE: base, SOURCE_COMMIT: "0123456789" });
  } finally {
    await remove(bun, base);
  }
  return { name, [Symbol.asyncDispose]: () => remove(name) };
}

/** What the Dockerfile installs, from the cache that the project's own packages came through. */
async function installPackages(folder: string): Promise<void> {
  mkdirSync(folder);
  for (const name of ["package.json", "bun.lock", "bunfig.toml"]) copyFileSync(join(ROOT, name), join(folder, name));
  const command = [process.execPath, "install", "--frozen-lockfile", "--ignore-scripts", "--omit", "optional"];
  await runCommand(command, { cwd: folder, env: { ...process.env } as Record<string, string> });
}

/** All shared libraries, the loader included, that the programs are linked with. */
async function librariesOf(...programs: string[]): Promise<string[]> {
  const listed = await runCommand(["ldd", ...programs]);
  return [...new Set([...listed.matchAll(/(?:=> |^\t)(\/\S+) \(0x/gm)].map(([, path = ""]) => path))];
}

async function importImage(name: string, tarArgs: readonly string[]): Promise<void> {
  const tar = Bun.spawn(["tar", "--owner=0", "--group=0", "--numeric-owner", "-c", ...tarArgs], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const imported = Bun.spawn(["docker", "import", "-", name], { stdin: tar.stdout, stdout: "ignore", stderr: "pipe" });
  const [stderr, exitCode] = await Promise.all([imported.stderr.text(), imported.exited]);
  if (exitCode !== 0) throw new Error(`docker import of ${name} failed: ${stderr}`);
}

/** By the classic builder, which is all that Debian's engine has; it keeps the build stage's layers, so they go here. */
async function buildImage(name: string, values: Readonly<Record<string, string>>): Promise<void> {
  const args = Object.entries(values).flatMap(([arg, value]) => ["--build-arg", `${arg}=${value}`]);
  const command = ["docker", "build", "--force-rm", "--tag", name, ...args, ROOT];
  const { HOME = "/" } = process.env;
  let output = "";
  try {
    output = await runCommand(command, { env: { HOME, DOCKER_BUILDKIT: "0" }, deadlineMs: 240_000 });
  } catch (error) {
    output = String(error);
    throw error;
  } finally {
    const [, buildStage = ""] = output.split(/^Step \d+\/\d+ : FROM .*$/m);
    const layers = [...buildStage.matchAll(/^ ---> ([0-9a-f]+)$/gm)].map(([, layer = ""]) => layer);
    await remove(...layers.slice(1).toReversed());
  }
}

async function remove(...images: readonly string[]): Promise<void> {
  for (const image of images) await docker("rmi", image).catch(() => {});
}
