import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import { loadCommands, signatureOf } from "../../scripts/build/macho.ts";
import { archiveName, TARGETS } from "../../scripts/build/targets.ts";
import { runCommand } from "../support/run-command.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { type ReadEntry, readTarGz, readZip } from "../unit/scripts/read-archive.ts";
import { canInstall, Machine, serveRelease } from "./install-support.ts";
import { invalidPages } from "./release-signature.ts";

const BUILD = join(import.meta.dir, "../../scripts/build.ts");
const BASE_URL = "https://example.com/deby/v{version}";
const MEGABYTE = 1024 ** 2;
/** Bun's runtime alone takes 49 MB of a .tar.gz for Linux and 52 MB of a .zip for Windows. */
const ARCHIVE_LIMIT_BYTES = { "tar.gz": 60 * MEGABYTE, zip: 60 * MEGABYTE };
/** Above a compiled hello-world. */
const EXECUTABLE_LIMIT_BYTES = 30 * MEGABYTE;

/** ELF machine numbers and loaders; macOS and Windows by the first bytes and the field that names the machine. */
const FORMATS: Readonly<Record<string, (executable: Buffer) => boolean>> = {
  "linux-x64": (file) => isElf(file, 62, "/lib64/ld-linux-x86-64.so.2"),
  "linux-x64-baseline": (file) => isElf(file, 62, "/lib64/ld-linux-x86-64.so.2"),
  "linux-arm64": (file) => isElf(file, 183, "/lib/ld-linux-aarch64.so.1"),
  "linux-x64-musl": (file) => isElf(file, 62, "/lib/ld-musl-x86_64.so.1"),
  "linux-arm64-musl": (file) => isElf(file, 183, "/lib/ld-musl-aarch64.so.1"),
  "macos-x64": (file) => file.readUInt32LE(0) === 0xfeedfacf && file.readUInt32LE(4) === 0x01000007,
  "macos-arm64": (file) => file.readUInt32LE(0) === 0xfeedfacf && file.readUInt32LE(4) === 0x0100000c,
  "windows-x64": (file) =>
    file.toString("latin1", 0, 2) === "MZ" && file.readUInt16LE(file.readUInt32LE(60) + 4) === 0x8664,
};

function isElf(file: Buffer, machine: number, loader: string): boolean {
  const isFor = file.toString("latin1", 1, 4) === "ELF" && file.readUInt16LE(18) === machine;
  return isFor && file.subarray(0, 4096).includes(`${loader}\0`);
}

describe("bun run build --all", () => {
  let folder: TempFolder;
  const path = (name: string) => join(folder.path, name);
  const bytesOf = (name: string) => new Uint8Array(readFileSync(path(name)));
  const filesOf = (target: (typeof TARGETS)[number]): ReadEntry[] => {
    const archive = bytesOf(archiveName(target, version));
    return target.format === "zip" ? readZip(archive) : readTarGz(archive);
  };

  beforeAll(async () => {
    folder = makeTempFolder("release");
    // What an earlier release left goes, what else lies there stays.
    for (const name of ["deby-0.0.1-linux-x64.tar.gz", "notes.txt"]) writeFileSync(path(name), "");
    const command = [process.execPath, BUILD, "--all", "--out", folder.path, "--base-url", BASE_URL];
    const env = { ...process.env } as Record<string, string>;
    const output = await runCommand(command, { env, cwd: folder.path, deadlineMs: 480_000 });
    console.log(output.trim());
  }, 500_000);

  afterAll(() => folder[Symbol.asyncDispose]());

  test("leaves an archive for each target, checksums of everything, a bill of materials and the installers", () => {
    const archives = TARGETS.map((target) => archiveName(target, version));
    const others = ["install.ps1", "install.sh", "sbom.cdx.json"];
    expect(readdirSync(folder.path).toSorted()).toEqual([...archives, ...others, "SHA256SUMS", "notes.txt"].toSorted());
    const sums = readFileSync(path("SHA256SUMS"), "utf8").trim().split("\n");
    expect(sums).toEqual(
      [...archives, ...["sbom.cdx.json", "install.sh", "install.ps1"]].map((name) => {
        return `${Bun.SHA256.hash(bytesOf(name), "hex")}  ${name}`;
      }),
    );
    expect(readFileSync(path("install.sh"), "utf8")).toContain(`release_base_url='${BASE_URL}'\n`);
    expect(statSync(path("install.sh")).mode & 0o111).toBe(0o111);
  });

  test.each(TARGETS)("$name: an archive of bounded size with LICENSE, README.md and its executable", (target) => {
    expect(statSync(path(archiveName(target, version))).size).toBeLessThanOrEqual(ARCHIVE_LIMIT_BYTES[target.format]);
    const files = filesOf(target);
    const executable = target.name.startsWith("windows") ? "deby.exe" : "deby";
    expect(files.map(({ name, mode }) => [name, mode])).toEqual([
      ["LICENSE", 0o644],
      ["README.md", 0o644],
      [executable, 0o755],
    ]);
    const [, , { data } = { data: Buffer.alloc(0) }] = files;
    expect(FORMATS[target.name]?.(data)).toBe(true);
    for (const trace of [folder.path, import.meta.dir, `build-${process.pid}`])
      expect(data.includes(trace)).toBe(false);
  });

  test("macOS on Apple silicon finds a valid signature, and on Intel none", () => {
    const executableFor = (name: string) => {
      const target = TARGETS.find((candidate) => candidate.name === name);
      return target === undefined ? Buffer.alloc(0) : Buffer.from(filesOf(target)[2]?.data ?? []);
    };
    expect(invalidPages(executableFor("macos-arm64"))).toEqual([]);
    const intel = executableFor("macos-x64");
    expect(signatureOf(intel)).toBeUndefined();
    const segments = loadCommands(intel).filter(({ type }) => type === 0x19);
    const ends = segments.map(({ at }) => Number(intel.readBigUInt64LE(at + 40) + intel.readBigUInt64LE(at + 48)));
    expect(Math.max(...ends)).toBe(intel.length);
  });

  test("the bill of materials lists what is bundled, each with licence, version and hash", () => {
    const { components, dependencies } = JSON.parse(readFileSync(path("sbom.cdx.json"), "utf8"));
    const names = components.map(({ name }: { name: string }) => name);
    for (const name of ["bun", "elysia", "postgres", "citty", "consola"]) expect(names).toContain(name);
    for (const name of ["knip", "@biomejs/biome", "bun-types"]) expect(names).not.toContain(name);
    for (const component of components) {
      expect(component.licenses).toHaveLength(1);
      if (component.name !== "bun") expect(component.hashes[0].content).toMatch(/^[0-9a-f]{128}$/);
    }
    expect(dependencies).toHaveLength(components.length + 1);
  });

  test.skipIf(process.platform !== "linux" || process.arch !== "x64" || !canInstall)(
    "those for this machine run, are at most 30 MB larger than a compiled hello-world, and install.sh installs them",
    async () => {
      const hello = path("hello");
      writeFileSync(`${hello}.ts`, 'console.log("hello");');
      await Bun.build({ entrypoints: [`${hello}.ts`], compile: { outfile: hello } });
      const told = new RegExp(`^deby ${version} \\(commit [0-9a-f]{10}(-dirty)?, Bun ${Bun.version}\\)\n$`);
      for (const name of ["linux-x64", "linux-x64-baseline"]) {
        const target = TARGETS.find((candidate) => candidate.name === name);
        const data = target === undefined ? Buffer.alloc(0) : (filesOf(target)[2]?.data ?? Buffer.alloc(0));
        expect(data.length - statSync(hello).size).toBeLessThanOrEqual(EXECUTABLE_LIMIT_BYTES);
        writeFileSync(path("deby"), data);
        chmodSync(path("deby"), 0o755);
        expect(await runCommand([path("deby"), "--version"])).toMatch(told);
        expect(await runCommand([path("deby"), "serve", "--print-config"])).toContain("pool-max");
      }
      const release = new Map(readdirSync(folder.path).map((name) => [name, bytesOf(name)]));
      await using server = serveRelease(release);
      await using machine = new Machine({ hasAvx2: false });
      const { exitCode, stdout, stderr } = await machine.install(["--base-url", server.url]);
      expect(stderr).toContain(`Downloading deby-${version}-linux-x64-baseline.tar.gz`);
      expect(stdout).toMatch(told);
      expect(exitCode).toBe(0);
    },
    180_000,
  );
});
