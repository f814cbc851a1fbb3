import { afterAll, describe, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { SQL } from "bun";
import { BlackHole } from "../../support/black-hole.ts";
import { type CertificateOptions, hasOpenssl, makeCertificate } from "../../support/certificates.ts";
import { type PeerKind, startPeer } from "../../support/peers.ts";
import { pgBouncerAvailable, startPgBouncer } from "../../support/pgbouncer.ts";
import { freePort } from "../../support/ports.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { ReplicatedPair } from "../../support/standby.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { expectTrouble, type Trouble } from "./expect-trouble.ts";
import { type Call, type Environment, environmentOf } from "./run-check.ts";

/** Brings the trouble about and says how to call deby; what it started ends with the stack. */
type Stage = (stack: AsyncDisposableStack) => Promise<Call>;

interface Case extends Trouble {
  readonly title: string;
  readonly stage: Stage;
  readonly isLeftOut?: boolean;
}

const started = new AsyncDisposableStack();
afterAll(() => started.disposeAsync());

/** A server that several cases share. */
function shared(start: () => Promise<PostgresServer>): () => Promise<PostgresServer> {
  let server: Promise<PostgresServer> | undefined;
  return () => {
    server ??= start().then((ready) => started.use(ready));
    return server;
  };
}

const withPasswords = shared(() => startPostgres());
const withRoles = shared(async () => {
  const server = await startPostgres({
    hba: "host all rejected all reject\nhost all,x all all trust\nlocal all all trust",
  });
  await server.psql("CREATE ROLE rejected LOGIN; CREATE ROLE team NOLOGIN; CREATE ROLE guest LOGIN");
  await server.psql("CREATE DATABASE private");
  await server.psql("REVOKE CONNECT ON DATABASE private FROM public");
  return server;
});

function on(server: () => Promise<PostgresServer>, changes: Environment = {}): Stage {
  return async () => ({ env: environmentOf(await server(), changes) });
}

function onPeer(kind: PeerKind, ...flags: string[]): Stage {
  return async (stack) => {
    const { host, port } = stack.use(await startPeer(kind));
    return { env: { PGHOST: host, PGPORT: String(port) }, flags };
  };
}

/** A peer that says of itself what it is, letter by letter as long as nobody can tell it by them. */
function onSlowTalker(words: string): Stage {
  return async (stack) => {
    const behave = (client: Socket) => {
      const letters = [...words.slice(0, 7), words.slice(7)];
      const timer = setInterval(() => client.write(letters.shift() ?? ""), 2);
      client.resume().on("close", () => clearInterval(timer));
    };
    const { host, port } = stack.use(await startPeer(behave));
    return { env: { PGHOST: host, PGPORT: String(port) } };
  };
}

/** A server whose certificate is for a name, dialled by localhost. */
function onTls(
  name: string,
  options: CertificateOptions & { readonly sslmode: string; readonly trusts?: boolean },
): Stage {
  return async (stack) => {
    const folder = stack.use(makeTempFolder("check-tls"));
    const certificate = await makeCertificate(folder, name, options);
    const server = stack.use(await startPostgres({ settings: { ssl: "on" }, files: certificate.files }));
    const trust = options.trusts === false ? {} : { PGSSLROOTCERT: certificate.rootCert };
    return { env: environmentOf(server, { PGHOST: "localhost", PGSSLMODE: options.sslmode, ...trust }) };
  };
}

const LATE = ["--timeout", "1s"];

const NETWORK: readonly Case[] = [
  {
    title: "a server that is not running",
    async stage(stack) {
      const server = stack.use(await startPostgres());
      await server.stop();
      return { env: environmentOf(server) };
    },
    id: "tcp",
    status: "fail",
    exitCode: 1,
    evidence: "connection refused (ECONNREFUSED)",
    cause: "refuses connections. PostgreSQL is not running there",
    fix: "sudo systemctl start postgresql",
  },
  {
    title: "nothing at that address, which swallows what is sent",
    async stage(stack) {
      const { host, port } = stack.use(await BlackHole.open());
      return { env: { PGHOST: host, PGPORT: String(port) }, flags: LATE };
    },
    id: "tcp",
    status: "fail",
    exitCode: 1,
    evidence: "no answer in time (ETIMEDOUT)",
    cause: "does not answer. A firewall or security group drops the packets",
    fix: "nc -vz -w 5 127.0.0.1",
  },
  {
    title: "a name that does not resolve",
    stage: async () => ({ env: { PGHOST: "nowhere.invalid" }, flags: LATE }),
    id: "dns",
    status: "fail",
    exitCode: 1,
    evidence: "nowhere.invalid: ",
    cause: "nowhere.invalid",
    fix: "getent hosts nowhere.invalid",
  },
  {
    title: "a port that accepts and closes",
    stage: onPeer("closing"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "connection closed by the server (CONNECTION_CLOSED)",
    cause: "accepts connections and closes them. Docker's port proxy does so",
    fix: "pg_isready -h 127.0.0.1",
  },
  {
    title: "a port that accepts and resets",
    stage: onPeer("resetting"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "(ECONNRESET)",
    cause: "accepts connections and closes them",
    fix: "pg_isready -h 127.0.0.1",
  },
  {
    title: "an HTTP server",
    stage: onPeer("http"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "answers as an HTTP server (test) (PROTOCOL)",
    cause: "An HTTP server (test) answers at 127.0.0.1:",
    fix: "sudo ss -ltnp",
  },
  {
    title: "an HTTP server that stays silent until it is asked in HTTP",
    stage: onPeer("http-patient", ...LATE),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "answers as an HTTP server (test) (PROTOCOL)",
    cause: "An HTTP server (test) answers at 127.0.0.1:",
    fix: "sudo ss -ltnp",
  },
  {
    title: "an SSH server, whose banner begins with the byte that means yes to TLS",
    stage: onPeer("ssh"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "answers as an SSH server (SSH-2.0-OpenSSH_9.2p1 Debian-2) (PROTOCOL)",
    cause: "An SSH server (SSH-2.0-OpenSSH_9.2p1 Debian-2) answers at 127.0.0.1:",
    fix: "sudo ss -ltnp",
  },
  {
    title: "an SSH banner that comes letter by letter",
    stage: onSlowTalker("SSH-2.0-slow\r\n"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "answers as an SSH server (SSH-2.0-slow) (PROTOCOL)",
    cause: "An SSH server (SSH-2.0-slow) answers",
  },
  {
    title: "a mail server's greeting that comes letter by letter",
    stage: onSlowTalker("220 mail.example.com ESMTP\r\n"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "answers as a mail server (220 mail.example.com ESMTP) (PROTOCOL)",
    cause: "A mail server (220 mail.example.com ESMTP) answers",
  },
  {
    title: "garbage",
    stage: onPeer("garbage"),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "answers as something that sends c3 28 00 ff 7f 13 37 a0 de ad (PROTOCOL)",
    cause: "not PostgreSQL",
    fix: "sudo ss -ltnp",
  },
  {
    title: "a server that stays mute",
    stage: onPeer("silent", ...LATE),
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "no answer in time (ETIMEDOUT)",
    cause: "accepts connections but never answers",
    fix: "sudo systemctl status postgresql",
  },
  {
    title: "a server that is frozen",
    async stage(stack) {
      const server = stack.use(await startPostgres());
      await server.freeze();
      return { env: environmentOf(server), flags: LATE };
    },
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "no answer in time (ETIMEDOUT)",
    cause: "accepts connections but never answers. The server is frozen",
    fix: "sudo systemctl status postgresql",
  },
];

const REFUSALS: readonly Case[] = [
  {
    title: "a wrong password, with where it came from",
    stage: on(withPasswords, { PGPASSWORD: "wrong-password" }),
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(28P01)",
    cause: "The server refuses postgres with the password from PGPASSWORD",
    fix: "ALTER USER postgres WITH PASSWORD",
  },
  {
    title: "a missing password",
    async stage() {
      const { PGPASSWORD: _, ...env } = environmentOf(await withPasswords());
      return { env };
    },
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(28P01)",
    cause: "The server asks postgres for a password, and none is configured",
    fix: "ALTER USER postgres WITH PASSWORD",
  },
  {
    title: "a role that may be missing, where the server asks for passwords",
    stage: on(withPasswords, { PGUSER: "nobody" }),
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(28P01)",
    cause: "or there is no such role",
    fix: "ALTER USER nobody WITH PASSWORD",
  },
  {
    title: "a role that does not exist",
    stage: on(withRoles, { PGUSER: "app_user" }),
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(28000)",
    cause: "The role app_user does not exist",
    fix: "CREATE USER app_user WITH PASSWORD",
  },
  {
    title: "a role that may not log in",
    stage: on(withRoles, { PGUSER: "team" }),
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(28000)",
    cause: "The role team may not log in",
    fix: "ALTER ROLE team LOGIN",
  },
  {
    title: "a pg_hba.conf that rejects",
    stage: on(withRoles, { PGUSER: "rejected" }),
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(28000)",
    cause: "pg_hba.conf does not let rejected from 127.0.0.1 into deby_ecommerce",
    fix: "host deby_ecommerce rejected 127.0.0.1/32 scram-sha-256",
  },
  {
    title: "no entry in pg_hba.conf",
    async stage(stack) {
      const server = stack.use(await startPostgres({ hba: "host other all all trust" }));
      return { env: environmentOf(server) };
    },
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "no pg_hba.conf entry for host",
    cause: "pg_hba.conf does not let postgres from 127.0.0.1 into deby_ecommerce",
    fix: "host deby_ecommerce postgres 127.0.0.1/32 scram-sha-256",
  },
  {
    title: "a database that does not exist, with those that do",
    stage: on(withPasswords, { PGDATABASE: "shop" }),
    id: "database",
    status: "fail",
    exitCode: 1,
    evidence: "(3D000)",
    cause:
      "The database shop does not exist. It is misspelt, or was never made; this server has deby_ecommerce, postgres",
    fix: "-U postgres -c 'CREATE DATABASE shop'",
  },
  {
    title: "a database that the role may not connect to",
    stage: on(withRoles, { PGUSER: "guest", PGDATABASE: "private" }),
    id: "database",
    status: "fail",
    exitCode: 1,
    evidence: "(42501)",
    cause: "The role guest may not connect to private",
    fix: "GRANT CONNECT ON DATABASE private TO guest",
  },
  {
    title: "too many connections",
    async stage(stack) {
      const server = stack.use(
        await startPostgres({
          hba: "host all all all trust",
          settings: { max_connections: "6", superuser_reserved_connections: "1", max_wal_senders: "0" },
        }),
      );
      await server.psql("CREATE ROLE app LOGIN");
      const holders = new SQL(`postgres://app@${server.host}:${server.port}/${server.database}`, { max: 5 });
      stack.defer(() => holders.close({ timeout: 0 }));
      await Promise.all(Array.from({ length: 5 }, () => holders`select pg_sleep(0.2)`));
      return { env: environmentOf(server, { PGUSER: "app" }) };
    },
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(53300)",
    cause: "The server has no connection left",
    fix: "pg_stat_activity",
  },
  {
    title: "a server that starts up, in a real recovery",
    async stage(stack) {
      const server = stack.use(await startPostgres());
      await server.stop();
      server.configure({ settings: { restore_command: "sleep 60; false" }, files: { "recovery.signal": "" } });
      server.start().catch(() => {});
      const starts = () => server.log.match(/database system was shut down at/g)?.length;
      await waitUntil("the recovery has begun", () => starts() === 2);
      return { env: environmentOf(server) };
    },
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(57P03)",
    cause: "The server runs but does not accept connections now. It says: the database system is starting up",
    fix: "pg_isready -h 127.0.0.1",
  },
  {
    title: "a server that shuts down",
    async stage(stack) {
      const server = stack.use(await startPostgres());
      const holder = new SQL(server.url, { max: 1 });
      await holder`select 1`;
      void server.stop("smart");
      stack.defer(() => holder.close({ timeout: 0 }));
      await waitUntil("the server shuts down", () => server.log.includes("received smart shutdown request"));
      return { env: environmentOf(server) };
    },
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(57P03)",
    cause: "It says: the database system is shutting down",
    fix: "pg_isready -h 127.0.0.1",
  },
  {
    title: "a standby where writes are wanted",
    async stage(stack) {
      const pair = stack.use(await ReplicatedPair.start(18));
      return { env: environmentOf(pair.standby) };
    },
    id: "role",
    status: "fail",
    exitCode: 1,
    evidence: "a standby, read-only",
    cause: "The server has not the role that target-session-attrs=read-write asks for. It is a standby, read-only",
    fix: "deby check --target-session-attrs any",
  },
];

const TLS: readonly Case[] = [
  {
    title: "TLS that is required and not offered",
    stage: on(withRoles, { PGSSLMODE: "require" }),
    id: "tls",
    status: "fail",
    exitCode: 1,
    evidence: "(TLS_REFUSED)",
    cause: "The server offers no TLS, but sslmode=require asks for it",
    fix: "deby check --db-sslmode prefer",
  },
  {
    title: "a self-signed certificate under verify-full",
    stage: onTls("localhost", { isSelfSigned: true, sslmode: "verify-full" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "fail",
    exitCode: 1,
    evidence: "(TLS_FAILED): DEPTH_ZERO_SELF_SIGNED_CERT",
    cause: "is self-signed. sslmode=verify-full wants one whose authority is in PGSSLROOTCERT",
    fix: "openssl x509 -out root.crt",
  },
  {
    title: "a certificate of an authority that is not trusted",
    stage: onTls("localhost", { trusts: false, sslmode: "verify-full" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "fail",
    exitCode: 1,
    evidence: "(TLS_FAILED)",
    cause: 'is signed by "test authority", which is not trusted here',
    fix: "openssl x509 -noout -subject -issuer",
  },
  {
    title: "a certificate for another name",
    stage: onTls("db.internal", { sslmode: "verify-full" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "fail",
    exitCode: 1,
    evidence: "(TLS_FAILED)",
    cause: "The certificate is for db.internal, not for localhost",
    fix: "deby check --db-sslmode verify-ca",
  },
  {
    title: "a certificate that has expired",
    stage: onTls("localhost", { days: -3, sslmode: "verify-full" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "fail",
    exitCode: 1,
    evidence: "(TLS_FAILED): CERT_HAS_EXPIRED",
    cause: " expired on ",
    fix: "SELECT pg_reload_conf()",
  },
  {
    title: "a certificate that expires in three weeks",
    stage: onTls("localhost", { days: 21, sslmode: "verify-full" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "warn",
    exitCode: 0,
    evidence: "TLSv1.3, sslmode=verify-full, certificate for localhost until ",
    cause: "expires in 20 days",
    fix: "SELECT pg_reload_conf()",
  },
  {
    title: "encryption without verification",
    stage: onTls("localhost", { trusts: false, sslmode: "require" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "warn",
    exitCode: 0,
    evidence: "TLSv1.3, sslmode=require",
    cause: "sslmode=require encrypts, but does not verify who answers",
    fix: "deby check --db-sslmode verify-full",
  },
  {
    title: "a good certificate",
    stage: onTls("localhost", { sslmode: "verify-full" }),
    isLeftOut: !hasOpenssl,
    id: "tls",
    status: "pass",
    exitCode: 0,
    evidence: "TLSv1.3, sslmode=verify-full, certificate for localhost until ",
  },
];

const CONFIGURATION: readonly Case[] = [
  {
    title: "a password that cannot stand in a URL as it is",
    stage: async () => ({ env: { DATABASE_URL: "postgres://app:pa?ss#w/o@rd%@127.0.0.1:5432/shop" } }),
    id: "config",
    status: "fail",
    exitCode: 2,
    evidence: "not valid (CONFIG_INVALID)",
    cause:
      'DATABASE_URL holds a password with characters that must be encoded: write "?" as %3F, "#" as %23, "/" as %2F, "@" as %40, "%" as %25, as in postgres://app:***@127.0.0.1:5432/shop',
    fix: "python3 -c",
  },
  {
    title: "a URL and Docker's variables that contradict each other",
    async stage() {
      const server = await withPasswords();
      return { env: { DATABASE_URL: server.url, POSTGRES_HOST: "db.example.com", POSTGRES_DB: "shop" } };
    },
    id: "config",
    status: "warn",
    exitCode: 0,
    evidence: "environment (DATABASE_URL)",
    cause: "db.example.com",
  },
  {
    title: "a .env that cannot be read",
    async stage(stack) {
      const folder = stack.use(makeTempFolder("check-env"));
      mkdirSync(join(folder.path, ".env"));
      return { cwd: folder.path };
    },
    id: "config",
    status: "fail",
    exitCode: 2,
    evidence: "not valid (CONFIG_INVALID)",
    cause: "Cannot read .env: it is a directory",
  },
];

const WAYS_IN: readonly Case[] = [
  {
    title: "PgBouncer in front",
    async stage(stack) {
      const pooler = stack.use(await startPgBouncer(await withPasswords()));
      return { env: environmentOf(await withPasswords(), { PGPORT: String(pooler.port) }) };
    },
    isLeftOut: !pgBouncerAvailable,
    id: "pooler",
    status: "pass",
    exitCode: 0,
    evidence: "a pooler in between, PgBouncer or one like it",
  },
  {
    title: "PgBouncer in front of a server that is away",
    async stage(stack) {
      const server = stack.use(await startPostgres());
      const pooler = stack.use(
        await startPgBouncer(server, { settings: { server_login_retry: 1, query_wait_timeout: 2 } }),
      );
      await server.stop();
      return { env: environmentOf(server, { PGPORT: String(pooler.port) }) };
    },
    isLeftOut: !pgBouncerAvailable,
    id: "auth",
    status: "fail",
    exitCode: 1,
    evidence: "(POOLER_NO_SERVER)",
    cause: "A pooler answers at 127.0.0.1:",
  },
  {
    title: "a database that PgBouncer does not know",
    async stage(stack) {
      const pooler = stack.use(await startPgBouncer(await withPasswords()));
      return { env: environmentOf(await withPasswords(), { PGPORT: String(pooler.port), PGDATABASE: "shop" }) };
    },
    isLeftOut: !pgBouncerAvailable,
    id: "database",
    status: "fail",
    exitCode: 1,
    evidence: "(3D000)",
    cause: "does not know the database shop",
  },
  {
    title: "a Unix socket",
    async stage() {
      const server = await withPasswords();
      return { env: environmentOf(server, { PGHOST: server.socketDir }) };
    },
    id: "tcp",
    status: "pass",
    exitCode: 0,
    evidence: "/.s.PGSQL.",
  },
  {
    title: "a Unix socket that is not there",
    async stage(stack) {
      const folder = stack.use(makeTempFolder("check-socket"));
      return { env: { PGHOST: folder.path } };
    },
    id: "tcp",
    status: "fail",
    exitCode: 1,
    evidence: "there is no such Unix socket (ENOENT)",
    cause: "There is no socket ",
    fix: "sudo systemctl start postgresql",
  },
  {
    title: "a server that listens on its Unix socket only",
    async stage(stack) {
      const server = stack.use(await startPostgres());
      await server.stop();
      server.configure({ settings: { listen_addresses: "", unix_socket_directories: "/tmp" } });
      await server.start();
      return { env: environmentOf(server) };
    },
    id: "tcp",
    status: "fail",
    exitCode: 1,
    evidence: "connection refused (ECONNREFUSED)",
    cause: "refuses connections, though PostgreSQL runs here. It listens on its Unix socket in /tmp",
    fix: "-U postgres -c 'SHOW listen_addresses'",
  },
  {
    title: "two hosts of which one is not running",
    async stage() {
      const server = await withPasswords();
      const ports = `${await freePort()},${server.port}`;
      return { env: environmentOf(server, { PGHOST: `${server.host},${server.host}`, PGPORT: ports }) };
    },
    id: "tcp",
    status: "warn",
    exitCode: 0,
    evidence: "connection refused (ECONNREFUSED)",
    cause: "refuses connections",
    fix: "sudo systemctl start postgresql",
  },
  {
    title: "two hosts that are away, each for a reason of its own",
    async stage(stack) {
      const peer = stack.use(await startPeer("silent"));
      const hosts = "127.0.0.1,nowhere.invalid,127.0.0.1";
      const ports = `${await freePort()},5432,${peer.port}`;
      return { env: { PGHOST: hosts, PGPORT: ports }, flags: LATE };
    },
    id: "protocol",
    status: "fail",
    exitCode: 1,
    evidence: "no answer in time (ETIMEDOUT)",
    cause: "accepts connections but never answers",
  },
  {
    title: "a standby and its primary, of which the second has the role",
    async stage(stack) {
      const { primary, standby } = stack.use(await ReplicatedPair.start(18));
      const hosts = { PGHOST: `${standby.host},${primary.host}`, PGPORT: `${standby.port},${primary.port}` };
      return { env: environmentOf(primary, hosts) };
    },
    id: "role",
    status: "pass",
    exitCode: 0,
    evidence: "a standby, read-only",
  },
];

describe.each([
  ["the network", NETWORK],
  ["the server's refusals", REFUSALS],
  ["TLS", TLS],
  ["the configuration", CONFIGURATION],
  ["ways to the server", WAYS_IN],
] as const)("deby check and %s:", (_, cases) => {
  for (const { title, stage, isLeftOut = false, ...trouble } of cases) {
    test.skipIf(isLeftOut)(title, async () => {
      await using stack = new AsyncDisposableStack();
      await expectTrouble(await stage(stack), trouble);
    });
  }
});

test("deby check names .env as the source of what it took from there", async () => {
  await using folder = makeTempFolder("check");
  writeFileSync(join(folder.path, ".env"), `DATABASE_URL=postgres://app@127.0.0.1:${await freePort()}/shop\n`);
  await expectTrouble(
    { cwd: folder.path },
    { id: "tcp", status: "fail", exitCode: 1, evidence: "ECONNREFUSED", cause: "refuses connections" },
  );
});
