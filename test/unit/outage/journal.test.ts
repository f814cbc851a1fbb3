import { afterEach, expect, spyOn, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  eraseJournal,
  type JournalEntry,
  journalFolders,
  readJournals,
  writeJournal,
} from "../../../src/outage/journal.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const BEFORE = { TMPDIR: process.env["TMPDIR"], XDG_STATE_HOME: process.env["XDG_STATE_HOME"] };
afterEach(() => setEnvironment(BEFORE));

function setEnvironment(variables: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

/** Notes are kept in this folder. */
function keepIn(path: string): void {
  setEnvironment({ TMPDIR: path, XDG_STATE_HOME: path });
}

const ENTRY: JournalEntry = {
  runId: "12345678",
  pid: 42,
  startedAt: "2026-01-01T00:00:00.000Z",
  target: "docker",
  scenario: "stop",
  heal: [["docker", "start", "x"]],
  remove: [["docker", "rm", "x"]],
  folders: [],
  processes: [],
};

test("writeJournal() leaves a note for this user's eyes only, and takes it away again", async () => {
  await using temp = makeTempFolder("journal");
  keepIn(temp.path);
  const journal = await writeJournal(ENTRY);
  const [folder = ""] = readdirSync(temp.path);
  const path = join(temp.path, folder, "12345678.json");
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ schema: "deby.outage-journal/1", ...ENTRY });
  if (process.platform !== "win32") {
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(temp.path, folder)).mode & 0o777).toBe(0o700);
  }
  await journal.note({ processes: ["serve --port 7"] });
  const other = await writeJournal({ ...ENTRY, runId: "87654321" });
  expect((await readJournals()).map(({ entry }) => [entry.runId, entry.processes.length])).toEqual([
    ["12345678", 1],
    ["87654321", 0],
  ]);
  await journal.erase();
  expect(readdirSync(join(temp.path, folder))).toEqual(["87654321.json"]);
  await other.erase();
  expect(readdirSync(temp.path)).toEqual([]);
});

test("eraseJournal() takes along what a killed run had not finished writing", async () => {
  await using temp = makeTempFolder("journal");
  keepIn(temp.path);
  const journal = await writeJournal(ENTRY);
  writeFileSync(`${journal.path}.part`, "{");
  await eraseJournal(journal.path);
  expect(readdirSync(temp.path)).toEqual([]);
});

test("writeJournal() trusts no folder that belongs to another user", async () => {
  await using temp = makeTempFolder("journal");
  keepIn(temp.path);
  // To us, who make the folder, everybody is another user now.
  const asked = spyOn(process, "getuid").mockReturnValue(12_345_678);
  try {
    await expect(writeJournal(ENTRY)).rejects.toMatchObject({ code: "CANNOT_RUN" });
  } finally {
    asked.mockRestore();
  }
});

test.skipIf(process.platform === "win32").each([
  ["link", (folder: string, elsewhere: string) => symlinkSync(elsewhere, folder)],
  [
    "folder in which others may write",
    (folder: string) => {
      mkdirSync(folder);
      chmodSync(folder, 0o777);
    },
  ],
])("writeJournal() trusts no %s, and readJournals() reads nothing there", async (_, prepare) => {
  await using temp = makeTempFolder("journal");
  await using elsewhere = makeTempFolder("elsewhere");
  keepIn(temp.path);
  const [lasting, temporary] = journalFolders();
  prepare(lasting, elsewhere.path);
  writeFileSync(join(lasting, "87654321.json"), JSON.stringify({ schema: "deby.outage-journal/1", ...ENTRY }));
  expect(await readJournals()).toEqual([]);
  const journal = await writeJournal(ENTRY);
  expect(journal.path).toStartWith(temporary);
  await journal.erase();
  prepare(temporary, elsewhere.path);
  await expect(writeJournal(ENTRY)).rejects.toMatchObject({ code: "CANNOT_RUN" });
});

test("writeJournal() keeps notes among temporary files where there is no other place, and they are found there", async () => {
  await using temp = makeTempFolder("journal");
  const file = join(temp.path, "file");
  writeFileSync(file, "");
  setEnvironment({ TMPDIR: temp.path, XDG_STATE_HOME: join(file, "state") });
  const journal = await writeJournal(ENTRY);
  expect(journal.path).toStartWith(journalFolders()[1]);
  expect((await readJournals()).map(({ entry }) => entry.runId)).toEqual(["12345678"]);
  await journal.erase();
  expect(readdirSync(temp.path)).toEqual(["file"]);
});
