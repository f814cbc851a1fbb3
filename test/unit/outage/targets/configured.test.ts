import { expect, test } from "bun:test";
import type { DatabaseTarget } from "../../../../src/config/types.ts";
import { behindProxy, endpointOf } from "../../../../src/outage/targets/configured.ts";

const TARGET: DatabaseTarget = {
  hosts: [{ host: "db.example", port: 5432 }],
  database: "shop",
  user: "shop",
  password: undefined,
  sslmode: "verify-full",
  sslRootCert: "/ca.pem",
  applicationName: "deby",
  targetSessionAttrs: "read-write",
};
const PROXY = { host: "127.0.0.1", port: 6432 };

test("behindProxy() goes on verifying the chain, where the name cannot be", () => {
  expect(behindProxy(endpointOf(TARGET), PROXY)).toMatchObject({
    ...PROXY,
    database: "shop",
    tls: { mode: "verify-ca", rootCert: "/ca.pem" },
  });
  expect(behindProxy(endpointOf({ ...TARGET, sslmode: "require" }), PROXY).tls?.mode).toBe("require");
});

test.each([
  [
    [
      { host: "a", port: 1 },
      { host: "b", port: 2 },
    ],
    "on one host, and 2 are named",
  ],
  [[{ host: "/run/postgresql", port: 5432 }], "over TCP, and /run/postgresql is a Unix socket's folder"],
])("endpointOf() refuses %j", (hosts, message) => {
  expect(() => endpointOf({ ...TARGET, hosts })).toThrow(message);
});
