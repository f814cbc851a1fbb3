import { expect, test } from "bun:test";
import { runCli } from "../../../src/commands/cli.ts";
import { runUntilSignal } from "../../../src/commands/serve.ts";
import { DebyError } from "../../../src/errors.ts";
import { fakeIo } from "./fake-io.ts";

test("serve --print-config shows every setting with its source in aligned columns, and no secret", async () => {
  const env = { PGPASSWORD: "topsecret", DEBY_POOL_MAX: "7" };
  const io = fakeIo({ env, files: { ".env": "DEBY_PORT=6000\n" } });
  expect(await runCli(["serve", "--print-config", "--log-level", "warn"], io)).toBe(0);
  const lines = io.out().split("\n");
  expect(lines).toContain("pool-max              7                 environment (DEBY_POOL_MAX)");
  expect(lines).toContain("port                  6000              .env (DEBY_PORT)");
  expect(lines).toContain("log-level             warn              flag (--log-level)");
  expect(lines).toContain("db-password           ***et             environment (PGPASSWORD)");
  expect(io.out()).not.toContain("topsecret");
});

test("serve --print-config --json prints the same for programs", async () => {
  const io = fakeIo({ env: { PGSERVICE: "x" } });
  expect(await runCli(["serve", "--print-config", "--json", "--canary"], io)).toBe(0);
  const printed = JSON.parse(io.out());
  expect(printed.schema).toBe("deby.config/1");
  expect(printed.settings).toContainEqual({ name: "canary", value: "true", source: "flag", from: "--canary" });
  expect(printed.warnings).toEqual(["PGSERVICE is set, but deby does not know it and ignores it"]);
  expect(io.err()).toContain("PGSERVICE");
});

test("serve refuses a .env that it cannot read", async () => {
  const io = fakeIo();
  const readFile = () => {
    throw Object.assign(new Error("denied"), { code: "EACCES" });
  };
  expect(await runCli(["serve"], { ...io, readFile })).toBe(2);
  expect(io.err()).toBe("deby: Cannot read .env: EACCES; make it readable or move it away\n");
});

test("serve refuses a wrong configuration before it starts anything", async () => {
  const io = fakeIo();
  expect(await runCli(["serve", "--pool-min", "30"], io)).toBe(2);
  expect(io.stray(new Error("x"))).toBe(false);
});

test.each(["SIGTERM", "SIGINT"] as const)("runUntilSignal() stops at %s and returns 0", async (signal) => {
  const io = fakeIo();
  const stopped: string[] = [];
  const running = runUntilSignal(async () => ({ stop: async (name) => void stopped.push(name) }), io);
  expect(io.send(signal)).toBe(true);
  expect(await running).toBe(0);
  expect(stopped).toEqual([signal]);
  expect(io.exits).toEqual([]);
  expect(io.send(signal)).toBe(false);
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("runUntilSignal() exits at once when %s is the second signal", async (signal, code) => {
  const io = fakeIo();
  const stopping = Promise.withResolvers<void>();
  const running = runUntilSignal(async () => ({ stop: () => stopping.promise }), io);
  io.send("SIGTERM");
  expect(io.exits).toEqual([]);
  io.send(signal);
  expect(io.exits).toEqual([code]);
  stopping.resolve();
  await running;
});

test("runUntilSignal() stops what was started when the signal came during the start", async () => {
  const io = fakeIo();
  const started = Promise.withResolvers<{ stop(name: string): Promise<void> }>();
  const stopped: string[] = [];
  const running = runUntilSignal(() => started.promise, io);
  io.send("SIGTERM");
  started.resolve({ stop: async (name) => void stopped.push(name) });
  expect(await running).toBe(0);
  expect(stopped).toEqual(["SIGTERM"]);
});

test("runUntilSignal() tells a start that is under way, which may give up, and returns 0", async () => {
  const io = fakeIo();
  const start = (signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(new DebyError("ABORTED", "The start was given up")));
    });
  const running = runUntilSignal(start, io);
  io.send("SIGTERM");
  expect(await running).toBe(0);
  expect(io.exits).toEqual([]);
});

test("runUntilSignal() passes on why a start failed, and listens to signals no more", async () => {
  const io = fakeIo();
  await expect(runUntilSignal(() => Promise.reject(new Error("port taken")), io)).rejects.toThrow("port taken");
  expect(io.send("SIGTERM")).toBe(false);
});
