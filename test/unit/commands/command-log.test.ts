import { expect, test } from "bun:test";
import { createCommandLog } from "../../../src/commands/load-config.ts";
import { Secret } from "../../../src/config/secret.ts";
import { type FakeIoOptions, fakeIo } from "./fake-io.ts";

type Settings = Parameters<typeof createCommandLog>[0];

function logTo(options: FakeIoOptions, settings: Partial<Settings> = {}) {
  const io = fakeIo(options);
  return { io, log: createCommandLog({ logFormat: "pretty", logLevel: "info", ...settings }, io) };
}

test("the log is written to stderr with symbols on a terminal", () => {
  const { io, log } = logTo({ isTTY: true, env: { NO_COLOR: "1" } });
  log.info("a", "one");
  log.success("a", "two");
  log.warn("a", "three");
  log.error("a", "four");
  expect(io.err()).toBe("ℹ one\n✔ two\n⚠ three\n✖ four\n");
  expect(io.out()).toBe("");
});

test("the log is coloured on a terminal that NO_COLOR does not speak for", () => {
  const coloured = logTo({ isTTY: true });
  coloured.log.success("a", "well");
  expect(coloured.io.err()).toBe("\u001B[32m✔\u001B[39m well\n");
  const dumb = logTo({ isTTY: true, env: { TERM: "dumb" } });
  dumb.log.success("a", "well");
  expect(dumb.io.err()).toBe("✔ well\n");
});

test("the log is plain lines with time and level where there is no terminal", () => {
  const { io, log } = logTo({});
  log.success("a", "well");
  log.warn("a", "not so well");
  expect(io.err()).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z info {2}well\n\d{4}-\d\d-\d\dT[\d:.]+Z warn {2}not so well\n$/);
});

test("the log writes every repeated line", () => {
  const { io, log } = logTo({});
  for (let index = 0; index < 20; index++) log.info("a", "again");
  expect(io.err().match(/again\n/g)).toHaveLength(20);
});

test("the log leaves out what is below its level", () => {
  const { io, log } = logTo({ isTTY: true, env: { NO_COLOR: "1" } }, { logLevel: "warn" });
  log.debug("a", "debug");
  log.info("a", "info");
  log.success("a", "success");
  log.warn("a", "warn");
  log.error("a", "error");
  expect(io.err()).toBe("⚠ warn\n✖ error\n");
});

test("the JSON log writes one object a line, with fields that cannot overwrite its own", () => {
  const { io, log } = logTo({ isTTY: true }, { logFormat: "json", logLevel: "debug" });
  log.debug("db.connected", "Two\nlines", { connectMs: 12, level: "x", big: 1n });
  const [line, end] = io.err().split("\n");
  expect(end).toBe("");
  expect(JSON.parse(line ?? "")).toEqual({
    time: expect.stringMatching(/^\d{4}-/),
    level: "debug",
    event: "db.connected",
    msg: "Two\nlines",
    connectMs: 12,
    "fields.level": "x",
    big: "1",
  });
});

test("the JSON log tells an error with its code and cause, and survives what is circular", () => {
  const { io, log } = logTo({}, { logFormat: "json" });
  const error = Object.assign(new Error("outer", { cause: new TypeError("inner") }), { code: "ECONNREFUSED" });
  log.error("a", "b", { error });
  expect(JSON.parse(io.err()).error).toEqual({
    name: "Error",
    message: "outer",
    code: "ECONNREFUSED",
    cause: { name: "TypeError", message: "inner" },
  });
  const circular = logTo({}, { logFormat: "json" });
  error.cause = new Error("inner", { cause: error });
  circular.log.error("a", "b", { error });
  expect(JSON.parse(circular.io.err())).toMatchObject({
    event: "a",
    msg: "b",
    error: { name: "Error", message: "outer", code: "ECONNREFUSED", cause: { name: "Error", message: "inner" } },
  });
});

test("the log shows no secret in any format", () => {
  const password = new Secret("topsecret");
  for (const logFormat of ["pretty", "json"] as const) {
    const { io, log } = logTo({}, { logFormat });
    const circular: Record<string, unknown> = { password };
    circular["self"] = circular;
    log.info("a", `with ${password}`, { password, deep: { list: [password] } });
    log.info("a", "b", circular);
    expect(io.err()).not.toContain("topsecret");
  }
});

test("the log shows control codes of a terminal instead of sending them", () => {
  const { io, log } = logTo({ isTTY: true, env: { NO_COLOR: "1" } });
  log.warn("a", "first\nsecond \u001B[2J\r\u0007");
  expect(io.err()).toBe("⚠ first\n  second \\x1b[2J\\x0d\\x07\n");
});
