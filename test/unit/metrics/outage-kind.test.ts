import { expect, test } from "bun:test";
import { OUTAGE_KINDS, type OutageKind, outageKind } from "../../../src/metrics/outage-kind.ts";

test.each([
  ["ECONNREFUSED", "refused"],
  ["ENOENT", "refused"],
  ["CONNECTION_CLOSED", "closed"],
  ["EPIPE", "closed"],
  ["ECONNRESET", "reset"],
  ["ETIMEDOUT", "silent"],
  ["DEADLINE", "silent"],
  ["57P01", "shutdown"],
  ["57P02", "shutdown"],
  ["57P03", "starting"],
  ["53300", "too_many_connections"],
  ["28P01", "credentials"],
  ["28000", "credentials"],
  ["3D000", "missing_database"],
  ["TLS_FAILED", "tls"],
  ["ENOTFOUND", "dns"],
  ["EHOSTUNREACH", "network"],
  ["PROTOCOL", "protocol"],
  ["25006", "read_only"],
  ["READ_ONLY", "read_only"],
  ["EVICTED", "other"],
  ["XX000", "other"],
  ["constructor", "other"],
] as const)("outageKind(%s) is %s", (code, kind) => {
  expect(outageKind(code)).toBe(kind);
});

test("outageKind() has a name for each code of the connection system's own", () => {
  const own = ["CONNECTION_ENDED", "CONNECT_TIMEOUT", "TLS_REFUSED", "SASL_SIGNATURE_MISMATCH", "EAI_AGAIN", "EACCES"];
  const kinds: OutageKind[] = own.map(outageKind);
  expect(kinds).not.toContain("other");
  expect(OUTAGE_KINDS).toEqual(expect.arrayContaining(kinds));
});
