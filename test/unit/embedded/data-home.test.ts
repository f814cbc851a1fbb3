import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeDataHome } from "../../../src/embedded/data-home.ts";
import { lockFile } from "../../../src/embedded/file-lock.ts";
import { packFolder, unpackFolder } from "../../../src/embedded/folder-archive.ts";
import { DebyError } from "../../../src/errors.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

function refusalOf(folder: string): DebyError {
  try {
    takeDataHome(folder)[Symbol.dispose]();
  } catch (error) {
    if (error instanceof DebyError) return error;
    throw error;
  }
  throw new Error("The folder was accepted");
}

describe("takeDataHome()", () => {
  test("makes the folder for this user alone, and leaves nothing but the lock's file", async () => {
    await using temp = makeTempFolder("home");
    const folder = join(temp.path, "a", "b");
    {
      using _home = takeDataHome(folder);
      expect(statSync(folder).mode & 0o777).toBe(0o700);
      expect(readFileSync(join(folder, "deby.pid"), "utf8")).toBe(String(process.pid));
    }
    expect(readdirSync(folder)).toEqual(["deby.lock"]);
  });

  test("refuses a folder that is in use, and names who uses it; takes it when that one has ended", async () => {
    await using temp = makeTempFolder("home");
    {
      using _home = takeDataHome(temp.path);
      const refusal = refusalOf(temp.path);
      expect(refusal.exitCode).toBe(3);
      expect(refusal.message).toContain(`another deby, process ${process.pid}, uses it`);
    }
    takeDataHome(temp.path)[Symbol.dispose]();
  });

  test("takes no notice of the number of a process that has ended without giving the folder back", async () => {
    await using temp = makeTempFolder("home");
    writeFileSync(join(temp.path, "deby.lock"), "");
    writeFileSync(join(temp.path, "deby.pid"), String(process.pid));
    takeDataHome(temp.path)[Symbol.dispose]();
  });

  test("refuses the data of another major version, of a Postgres server, and what is no folder", async () => {
    await using temp = makeTempFolder("home");
    mkdirSync(join(temp.path, "old", "data"), { recursive: true });
    writeFileSync(join(temp.path, "old", "data", "PG_VERSION"), "17\n");
    expect(refusalOf(join(temp.path, "old")).message).toContain("made by PostgreSQL 17, and this deby has 18");
    mkdirSync(join(temp.path, "real"));
    writeFileSync(join(temp.path, "real", "PG_VERSION"), "18\n");
    expect(refusalOf(join(temp.path, "real")).message).toContain("data folder of a PostgreSQL server");
    writeFileSync(join(temp.path, "file"), "");
    expect(refusalOf(join(temp.path, "file", "x")).message).toContain("--data-dir");
  });
});

describe("lockFile()", () => {
  test("gives the lock to one at a time", async () => {
    await using temp = makeTempFolder("lock");
    const path = join(temp.path, "lock");
    const first = lockFile(path, { waitMs: 0 });
    expect(lockFile(path, { waitMs: 0 })).toBeUndefined();
    first?.[Symbol.dispose]();
    using second = lockFile(path, { waitMs: 0 });
    expect(second).toBeDefined();
  });
});

describe("packFolder() and unpackFolder()", () => {
  test("give the same folder again, empty ones included, and the same bytes for it", async () => {
    await using temp = makeTempFolder("pack");
    const from = join(temp.path, "from");
    mkdirSync(join(from, "a", "empty"), { recursive: true });
    writeFileSync(join(from, "a", "x"), "");
    writeFileSync(join(from, "b"), Buffer.of(0, 255, 10));
    const packed = packFolder(from);
    unpackFolder(packed, join(temp.path, "to"));
    expect(readdirSync(join(temp.path, "to"), { recursive: true }).toSorted()).toEqual(["a", "a/empty", "a/x", "b"]);
    expect(readFileSync(join(temp.path, "to", "b"))).toEqual(Buffer.of(0, 255, 10));
    expect(packFolder(join(temp.path, "to"))).toEqual(packed);
  });
});
