import { afterAll, beforeAll, expect, test } from "bun:test";
import { runCli } from "../../src/commands/cli.ts";
import { fakeIo } from "../unit/commands/fake-io.ts";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) => {
    const { pathname } = new URL(url);
    if (pathname === "/silent") return new Promise<Response>(() => {});
    return new Response("", { status: pathname === "/livez" ? 200 : 503 });
  },
});

beforeAll(() => {
  // A proxy is none of its business: it asks this very machine.
  process.env["HTTP_PROXY"] = process.env["http_proxy"] = "http://127.0.0.1:9";
});

afterAll(async () => {
  delete process.env["HTTP_PROXY"];
  delete process.env["http_proxy"];
  await server.stop(true);
});

test.each([
  [["--port", String(server.port)], {}],
  [["--url", `http://127.0.0.1:${server.port}/livez`], {}],
  [[], { PORT: String(server.port), DEBY_HOST: "0.0.0.0" }],
])("health %j is 0 where the server answers", async (args, env) => {
  const io = fakeIo({ env });
  expect(await runCli(["health", ...args], io)).toBe(0);
  expect(io.out()).toBe(`http://127.0.0.1:${server.port}/livez answers 200\n`);
  expect(io.err()).toBe("");
});

test.each([
  [`http://127.0.0.1:${server.port}/readyz`, "answers 503"],
  ["http://127.0.0.1:9/livez", "does not answer: ECONNREFUSED"],
  [`http://127.0.0.1:${server.port}/silent`, "does not answer: not within 2000 ms"],
])("health --url %s is 1", async (url, message) => {
  const io = fakeIo();
  expect(await runCli(["health", "--url", url], io)).toBe(1);
  expect(io.err()).toBe(`deby: ${url} ${message}\n`);
  expect(io.out()).toBe("");
});

test("health asks the loopback of IPv6 where the server listens on all of its addresses", async () => {
  const io = fakeIo();
  expect(await runCli(["health", "--host", "::", "--port", "9"], io)).toBe(1);
  expect(io.err()).toStartWith("deby: http://[::1]:9/livez does not answer: ");
});
