import { expect, test } from "bun:test";
import { codedError } from "../../../src/core/within.ts";
import { realConnectError } from "../../../src/database/real-connect-error.ts";
import { codeOf } from "../../../src/database/sqlstate.ts";

const REFUSED = codedError("ECONNREFUSED", "connect ECONNREFUSED");

test.each([
  ["a refusal by this machine is one", REFUSED, "127.0.0.1", 1, "ECONNREFUSED"],
  ["a Unix socket has no way to be missed", REFUSED, "/tmp/.s.PGSQL.5432", 1, "ECONNREFUSED"],
  ["what takes three seconds is no refusal", REFUSED, "192.0.2.1", 3_060, "EHOSTUNREACH"],
  ["what this machine forbids leads nowhere", codedError("EACCES", ""), "192.0.2.1", 1, "EHOSTUNREACH"],
  ["a Unix socket may be forbidden", codedError("EACCES", ""), "/tmp/.s.PGSQL.5432", 1, "EACCES"],
  ["another error stays as it is", codedError("ETIMEDOUT", ""), "192.0.2.1", 5_000, "ETIMEDOUT"],
])("%s", async (_, error, address, tookMs, code) => {
  expect(codeOf(await realConnectError(error, address, tookMs))).toBe(code);
});
