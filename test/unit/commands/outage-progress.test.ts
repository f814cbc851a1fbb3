import { expect, test } from "bun:test";
import { LiveLine } from "../../../src/commands/live-line.ts";
import { createCommandLog } from "../../../src/commands/load-config.ts";
import { OutageProgress } from "../../../src/commands/outage-progress.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { makeEntry, makeOpen, saw } from "../outage/entries.ts";
import { type FakeIoOptions, fakeIo } from "./fake-io.ts";

const LOAD = { entries: [makeEntry(), makeOpen()], health: [saw(0, "up")], requestTimeoutMs: 30_000 };
const CLEAR = "\r\u001B[K";

function watchOn(options: FakeIoOptions, { logFormat = "pretty" }: { logFormat?: "pretty" | "json" } = {}) {
  const io = fakeIo({ ...options, env: { NO_COLOR: "1", ...options.env } });
  const line = new LiveLine(io, { isPretty: logFormat === "pretty" });
  const log = createCommandLog({ logFormat, logLevel: "info" }, { ...io, stderr: line });
  const clock = new ManualClock();
  return { io, clock, progress: new OutageProgress({ log, line, clock }) };
}

test("OutageProgress shows on a terminal how long a phase lasts and how the requests fare, below the log", async () => {
  const { io, clock, progress } = watchOn({ isTTY: true });
  progress.phase("warm-up", "50 requests a second");
  progress.watch(LOAD);
  await clock.advance(250);
  const shown = (seconds: string) => `  warm-up ${seconds} s | circuit up | requests: 1 ok, 1 waiting`;
  expect(io.err()).toBe(`ℹ warm-up   50 requests a second\n${CLEAR}${shown("0.3")}`);
  progress.phase("fault", "breaking the database");
  expect(io.err()).toEndWith(
    `${CLEAR}ℹ fault     breaking the database\n${shown("0.3")}${CLEAR}${shown("0.0").replace("warm-up", "fault")}`,
  );
});

test("OutageProgress shows how far a pull has come, until the next step", () => {
  const { io, progress } = watchOn({ isTTY: true });
  progress.phase("prepare", "pulling postgres:17");
  progress.advance("pulling postgres:17", { done: 3, of: 8, unit: "layers" });
  expect(io.err()).toEndWith(`${CLEAR}  pulling postgres:17 [#######-------------] 3 of 8 layers`);
  progress.phase("prepare", "creating the container");
  expect(io.err()).toEndWith(`3 of 8 layers${CLEAR}`);
  const piped = watchOn({ isTTY: false });
  piped.progress.advance("pulling postgres:17", { done: 3, of: 8, unit: "layers" });
  expect(piped.io.err()).toBe("");
});

test("OutageProgress leaves nothing on the line, and no timer, when the load is over", async () => {
  const { io, clock, progress } = watchOn({ isTTY: true });
  progress.phase("settling", "writes succeed again");
  progress.watch(LOAD);
  await clock.advance(250);
  progress.phase("compare", "reading the table");
  expect(io.err()).toEndWith(CLEAR);
  const before = io.err();
  await clock.advance(5_000);
  expect(io.err()).toBe(before);
});

test("OutageProgress keeps to the terminal's width", async () => {
  const { io, clock, progress } = watchOn({ isTTY: true, columns: 30 });
  progress.phase("outage", "verified");
  progress.watch(LOAD);
  await clock.advance(250);
  expect(io.err().split(CLEAR).at(-1)).toBe("  outage 0.3 s | circuit up |");
});

test.each([
  ["no terminal", { isTTY: false }, {}],
  ["a dumb terminal", { isTTY: true, env: { TERM: "dumb" } }, {}],
  ["a terminal that gets JSON", { isTTY: true }, { logFormat: "json" }],
] as const)("OutageProgress only logs the phases to %s", async (_, options, format) => {
  const { io, clock, progress } = watchOn(options, format);
  progress.phase("outage", "verified");
  progress.watch(LOAD);
  await clock.advance(1_000);
  expect(io.err().split("\n")).toHaveLength(2);
  expect(io.err()).not.toContain("\u001B");
});
