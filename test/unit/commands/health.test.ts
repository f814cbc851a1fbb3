import { expect, test } from "bun:test";
import { runCli } from "../../../src/commands/cli.ts";
import { fakeIo } from "./fake-io.ts";

test.each([
  [["--port", "0"], "The port is 0, any free one: name what to ask with --url"],
  [["--url", "ftp://127.0.0.1/"], '--url must begin with http://, received "ftp://127.0.0.1/"'],
  [["--url", "127.0.0.1:5000"], '--url must begin with http://, received "127.0.0.1:5000"'],
])("health %j is refused with exit code 2", async (args, message) => {
  const io = fakeIo();
  expect(await runCli(["health", ...args], io)).toBe(2);
  expect(io.err()).toContain(message);
});

test("its help tells both ways to say what to ask", async () => {
  const io = fakeIo();
  expect(await runCli(["health", "--help"], io)).toBe(0);
  for (const word of ["--url <url>", "--host", "--port", "/livez"]) expect(io.out()).toContain(word);
});

test("it asks the server of a configuration that is only valid with that server's own flags", async () => {
  const env = { DEBY_PORT: "1", DEBY_POOL_MIN: "30", DEBY_READ_FROM: "prefer-standby", DEBY_ADMIN_TOKEN_FILE: "gone" };
  const io = fakeIo({ env });
  expect(await runCli(["health"], io)).toBe(1);
  expect(io.err()).toContain("http://127.0.0.1:1/livez does not answer");
});
