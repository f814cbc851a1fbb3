import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import type { DatabaseTarget, SslMode } from "../../../src/config/types.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { DeadlineSweep } from "../../../src/core/sweep.ts";
import { Connection } from "../../../src/database/connection.ts";
import { DebyError } from "../../../src/errors.ts";
import { hasOpenssl, makeCertificate, type ServerCertificate } from "../../support/certificates.ts";
import { type PeerKind, startPeer } from "../../support/peers.ts";
import { freePort } from "../../support/ports.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { targetAt } from "../../support/settings.ts";
import { makeTempFolder, type TempFolder } from "../../support/temp-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";

let folder: TempFolder;
let certificate: ServerCertificate;
let server: PostgresServer;

beforeAll(async () => {
  folder = makeTempFolder("tls");
  server = await startPostgres();
  if (!hasOpenssl) return;
  certificate = await makeCertificate(folder, "localhost");
  server.configure({ settings: { ssl: "on" }, files: certificate.files });
  await server.stop();
  await server.start();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Opens and gives the session's TLS as the server sees it, or the failure's code and reason. */
async function connect(target: Partial<DatabaseTarget>, limitMs = 3000): Promise<string> {
  const clock = systemClock;
  const options = {
    clock,
    sweep: new DeadlineSweep(clock),
    deadlineAt: clock.now() + limitMs,
    applicationName: "deby",
    prepare: "auto" as const,
  };
  try {
    const connection = await Connection.open(
      targetAt(server.port, { password: new Secret(server.password), ...target }),
      options,
    );
    const tag = (strings: TemplateStringsArray) => strings;
    const { rows } = await connection.run<{ ssl: boolean }>(
      tag`select ssl from pg_stat_ssl where pid = pg_backend_pid()`,
      [],
      clock.now() + 1000,
    );
    await connection.close();
    return rows[0]?.ssl ? "encrypted" : "plain";
  } catch (error) {
    if (!(error instanceof DebyError)) throw error;
    return `${error.code} ${error.reason}`;
  }
}

const localhost = () => [{ host: "localhost", port: server.port }];
const byAddress = () => [{ host: "127.0.0.1", port: server.port }];

describe.skipIf(!hasOpenssl)("sslmode, as libpq understands it", () => {
  test.each([
    ["disable", "plain"],
    ["prefer", "encrypted"],
    ["require", "encrypted"],
    ["verify-ca", "DATABASE_MISCONFIGURED TLS_FAILED"],
    ["verify-full", "DATABASE_MISCONFIGURED TLS_FAILED"],
  ] as const)("%s without a root certificate: %s", async (sslmode, expected) => {
    expect(await connect({ hosts: localhost(), sslmode })).toBe(expected);
  });

  test.each([
    ["require", "localhost", "encrypted"],
    ["verify-ca", "localhost", "encrypted"],
    ["verify-ca", "127.0.0.1", "encrypted"],
    ["verify-full", "localhost", "encrypted"],
    ["verify-full", "127.0.0.1", "DATABASE_MISCONFIGURED TLS_FAILED"],
  ] as const)("%s with the right root certificate, dialled as %s: %s", async (sslmode, host, expected) => {
    const hosts = host === "localhost" ? localhost() : byAddress();
    expect(await connect({ hosts, sslmode, sslRootCert: certificate.rootCert })).toBe(expected);
  });

  test("another authority is refused by require, verify-ca and verify-full", async () => {
    const { rootCert } = await makeCertificate(folder, "elsewhere");
    for (const sslmode of ["require", "verify-ca", "verify-full"] satisfies SslMode[]) {
      expect(await connect({ hosts: localhost(), sslmode, sslRootCert: rootCert })).toBe(
        "DATABASE_MISCONFIGURED TLS_FAILED",
      );
    }
  });

  test("require is refused by a server without TLS, prefer goes on in the clear", async () => {
    await using plain = await startPostgres();
    const there = { hosts: [{ host: "127.0.0.1", port: plain.port }], password: new Secret(plain.password) };
    expect(await connect({ ...there, sslmode: "require" })).toBe("DATABASE_MISCONFIGURED TLS_REFUSED");
    expect(await connect({ ...there, sslmode: "prefer" })).toBe("plain");
  });

  test("a Unix socket carries no TLS, whatever the mode", async () => {
    const hosts = [{ host: server.socketDir, port: server.port }];
    expect(await connect({ hosts, sslmode: "require" })).toBe("plain");
    expect(await connect({ hosts: [{ host: server.socketDir, port: 1 }] })).toBe("DATABASE_UNAVAILABLE ENOENT");
  });
});

describe("peers that are no Postgres", () => {
  const expectations: readonly (readonly [PeerKind, SslMode, string])[] = [
    ["silent", "disable", "DATABASE_UNAVAILABLE ETIMEDOUT"],
    ["silent", "prefer", "DATABASE_UNAVAILABLE ETIMEDOUT"],
    ["closing", "disable", "DATABASE_UNAVAILABLE CONNECTION_CLOSED"],
    ["closing", "prefer", "DATABASE_UNAVAILABLE CONNECTION_CLOSED"],
    ["resetting", "disable", "DATABASE_UNAVAILABLE ECONNRESET"],
    ["ssh", "prefer", "DATABASE_UNAVAILABLE PROTOCOL"],
    ["garbage", "prefer", "DATABASE_UNAVAILABLE PROTOCOL"],
    ["garbage", "disable", "DATABASE_UNAVAILABLE PROTOCOL"],
    ["drip", "disable", "DATABASE_UNAVAILABLE ETIMEDOUT"],
  ];

  test.each(expectations)(
    "%s, sslmode=%s: %s, within the deadline, and nothing stays open",
    async (kind, sslmode, expected) => {
      await using peer = await startPeer(kind);
      const startedAt = performance.now();
      expect(await connect({ hosts: [{ host: peer.host, port: peer.port }], sslmode }, 400)).toBe(expected);
      expect(performance.now() - startedAt).toBeLessThan(1000);
      for (let i = 0; i < 100 && peer.open > 0; i++) await Bun.sleep(10);
      expect(peer.open).toBe(0);
    },
  );
});

describe("authentication messages that cannot be read", () => {
  const authentication = (...body: readonly number[]) => Buffer.from([0x52, 0, 0, 0, body.length + 4, ...body]);
  const challenge = (text: string) => authentication(0, 0, 0, 11, ...Buffer.from(text));

  test.each([
    ["no body", authentication()],
    ["a challenge without salt", challenge("r=abc,i=4096")],
    ["a challenge without iterations", challenge("r=abc,s=c2FsdA==")],
    ["a challenge with no iteration", challenge("r=abc,s=c2FsdA==,i=0")],
  ])("%s: PROTOCOL, and nothing is left unhandled", async (_, message) => {
    await using peer = await startPeer((client) => client.once("data", () => client.write(message)));
    const hosts = [{ host: peer.host, port: peer.port }];
    expect(await connect({ hosts, sslmode: "disable" })).toBe("DATABASE_UNAVAILABLE PROTOCOL");
    await waitUntil("the socket is closed", () => peer.open === 0);
  });
});

describe("several hosts", () => {
  test("one that refuses costs nothing", async () => {
    const refusing = { host: "127.0.0.1", port: await freePort() };
    const startedAt = performance.now();
    expect(await connect({ hosts: [refusing, ...byAddress()] })).toBe("plain");
    expect(performance.now() - startedAt).toBeLessThan(250);
  });

  test("a name that does not resolve is told when no other host is there", async () => {
    expect(await connect({ hosts: [{ host: "nowhere.invalid", port: 1 }] }, 5000)).toBe(
      "DATABASE_UNAVAILABLE ENOTFOUND",
    );
    expect(await connect({ hosts: [{ host: "nowhere.invalid", port: 1 }, ...byAddress()] }, 5000)).toBe("plain");
  });
});
