import { expect, test } from "bun:test";
import { archiveOf } from "../../../scripts/build/archive.ts";
import type { ArchiveEntry } from "../../../scripts/build/archive-entry.ts";
import { readTarGz, readZip } from "./read-archive.ts";

const AT = Date.UTC(2026, 10, 23, 16, 16, 14) / 1000;
const text = (words: string) => new TextEncoder().encode(words);

const ENTRIES: readonly ArchiveEntry[] = [
  { name: "deby", data: crypto.getRandomValues(new Uint8Array(5000)), isExecutable: true },
  { name: "LICENSE", data: text("as is".repeat(1000)), isExecutable: false },
  { name: "empty", data: new Uint8Array(0), isExecutable: false },
  { name: "block", data: new Uint8Array(512).fill(7), isExecutable: false },
];
const SORTED = ["LICENSE", "block", "deby", "empty"];

test.each(["tar.gz", "zip"] as const)("a %s holds names, contents and modes, in the order of the names", (format) => {
  const archive = archiveOf(ENTRIES, { format, epochSeconds: AT });
  const read = format === "zip" ? readZip(archive) : readTarGz(archive);
  expect(read.map(({ name }) => name)).toEqual(SORTED);
  for (const { name, data, isExecutable } of ENTRIES) {
    const found = read.find((entry) => entry.name === name);
    expect(found?.mode).toBe(isExecutable ? 0o755 : 0o644);
    expect(found?.data).toEqual(Buffer.from(data));
  }
});

test("their times are the one given, which a zip file tells in UTC", () => {
  const tar = readTarGz(archiveOf(ENTRIES, { format: "tar.gz", epochSeconds: AT }));
  expect(tar.map(({ time }) => time)).toEqual(SORTED.map(() => AT));
  const zip = readZip(archiveOf(ENTRIES, { format: "zip", epochSeconds: AT }));
  const time = (((2026 - 1980) << 25) | (11 << 21) | (23 << 16) | (16 << 11) | (16 << 5) | (14 / 2)) >>> 0;
  expect(zip.map((entry) => entry.time)).toEqual(SORTED.map(() => time));
});

test.each(["tar.gz", "zip"] as const)("the bytes of a %s depend on its entries and the time only", async (format) => {
  const archive = archiveOf(ENTRIES, { format, epochSeconds: AT });
  await Bun.sleep(1);
  expect(archiveOf(ENTRIES.toReversed(), { format, epochSeconds: AT })).toEqual(archive);
  expect(archiveOf(ENTRIES, { format, epochSeconds: AT + 2 })).not.toEqual(archive);
});

test.skipIf(process.platform === "win32")("the system's tar reads it", () => {
  const archive = archiveOf(ENTRIES, { format: "tar.gz", epochSeconds: AT });
  const { stdout, stderr } = Bun.spawnSync(["tar", "-tzf", "-"], { stdin: archive });
  expect(stderr.toString()).toBe("");
  expect(stdout.toString().trim().split("\n")).toEqual(SORTED);
});

test("a name that a tar header cannot hold is refused", () => {
  const entry = { name: "x".repeat(101), data: new Uint8Array(1), isExecutable: false };
  expect(() => archiveOf([entry], { format: "tar.gz", epochSeconds: AT })).toThrow("names of 100");
});
