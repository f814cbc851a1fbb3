import { expect, test } from "bun:test";
import { loadWith, refusalOf, type Written } from "./load-with.ts";

test("loadConfig() without a database named takes the default one", () => {
  expect(loadWith({}).config.database).toEqual({
    hosts: [{ host: "localhost", port: 5432 }],
    database: "deby_ecommerce",
    user: "postgres",
    password: undefined,
    sslmode: "prefer",
    sslRootCert: undefined,
    applicationName: "deby",
    targetSessionAttrs: "read-write",
  });
});

test("loadConfig() takes the database as a whole from the highest level that names any part of it", () => {
  const written: Written = {
    flags: { "db-name": "test" },
    env: { DATABASE_URL: "postgres://app:secret@prod:6000/shop" },
    envFile: "POSTGRES_HOST=dev\nPOSTGRES_PASSWORD=dev",
  };
  expect(loadWith(written).config.database).toMatchObject({
    hosts: [{ host: "localhost", port: 5432 }],
    database: "test",
    user: "postgres",
    password: undefined,
  });
  expect(loadWith({ ...written, flags: {} }).config.database).toMatchObject({
    hosts: [{ host: "prod", port: 6000 }],
    database: "shop",
    user: "app",
  });
});

test("loadConfig() prefers the URL to libpq's variables to Docker's on one level, and fills what agrees", () => {
  const docker = { POSTGRES_HOST: "db", POSTGRES_PORT: "6000", POSTGRES_DB: "shop", POSTGRES_USER: "app" };
  expect(loadWith({ env: docker }).config.database).toMatchObject({
    hosts: [{ host: "db", port: 6000 }],
    database: "shop",
    user: "app",
  });
  const filled = loadWith({ env: { ...docker, PGHOST: "db", PGPASSWORD: "libpq", POSTGRES_PASSWORD: "docker" } });
  expect(filled.config.database.password?.reveal()).toBe("libpq");
  expect(filled.config.database).toMatchObject({ hosts: [{ host: "db", port: 6000 }], user: "app" });
});

test("loadConfig() does not send one database's password to another", () => {
  const env = { DATABASE_URL: "postgres://app@prod/shop", PGHOST: "dev", PGPASSWORD: "for-dev" };
  const { config, warnings } = loadWith({ env });
  expect(config.database.password).toBeUndefined();
  expect(warnings).toEqual([
    "Not used (environment): host dev in PGHOST, but prod in DATABASE_URL; the password in PGPASSWORD, since DATABASE_URL names the database",
  ]);
});

test("loadConfig() warns once about each source that names another database", () => {
  const { warnings } = loadWith({
    flags: { "db-url": "postgres://app@here/shop" },
    env: { DATABASE_URL: "postgres://root:pw@there/shop" },
    envFile: "PGHOST=here\nPGSSLMODE=disable",
  });
  expect(warnings).toEqual([
    "Not used (environment): host there in DATABASE_URL, but here in --db-url; user root in DATABASE_URL, but app in --db-url; the password in DATABASE_URL, since --db-url names the database",
    "Not used (.env): sslmode disable in PGSSLMODE, but prefer in the default",
  ]);
});

test("loadConfig() lets sslmode alone choose no database, and apply to the one that is chosen below it", () => {
  const { config } = loadWith({ flags: { "db-sslmode": "require" }, env: { DATABASE_URL: "postgres://app@db/shop" } });
  expect(config.database).toMatchObject({ hosts: [{ host: "db", port: 5432 }], sslmode: "require" });
});

test("loadConfig() completes certificates, application name, role and timeout from the other sources", () => {
  const { config } = loadWith({
    flags: { "db-url": "postgres://app@db/shop?sslmode=verify-full" },
    env: { PGSSLROOTCERT: "/ca.pem", PGCONNECT_TIMEOUT: "7" },
    envFile: "PGAPPNAME=shop\nPGTARGETSESSIONATTRS=primary\nPGCONNECT_TIMEOUT=9",
    files: { "/ca.pem": "certificate" },
  });
  expect(config.database).toMatchObject({
    sslRootCert: "/ca.pem",
    applicationName: "shop",
    targetSessionAttrs: "primary",
  });
  expect(config.pool.connectTimeoutMs).toBe(7_000);
});

test("loadConfig() prefers deby's own setting to what the URL and libpq say of role and timeout", () => {
  const env = { DATABASE_URL: "postgres://db?connect_timeout=3&target_session_attrs=any", PGCONNECT_TIMEOUT: "4" };
  const fromUrl = loadWith({ env }).config;
  expect([fromUrl.pool.connectTimeoutMs, fromUrl.database.targetSessionAttrs]).toEqual([3_000, "any"]);
  const own = loadWith({ env: { ...env, DEBY_CONNECT_TIMEOUT: "2s", DEBY_TARGET_SESSION_ATTRS: "primary" } }).config;
  expect([own.pool.connectTimeoutMs, own.database.targetSessionAttrs]).toEqual([2_000, "primary"]);
});

test("loadConfig() ignores a libpq timeout of 0, which means none, with a warning", () => {
  const { config, warnings } = loadWith({ env: { PGCONNECT_TIMEOUT: "0" } });
  expect(config.pool.connectTimeoutMs).toBe(5_000);
  expect(warnings).toEqual(["PGCONNECT_TIMEOUT asks for no connect timeout, which deby does not offer; it is ignored"]);
});

test.each([
  [
    "postgres://a,b:2/db",
    [
      { host: "a", port: 5432 },
      { host: "b", port: 2 },
    ],
  ],
  [
    "postgres:///db?host=a,b&port=7",
    [
      { host: "a", port: 7 },
      { host: "b", port: 7 },
    ],
  ],
  ["postgres:///db?host=/run/postgresql", [{ host: "/run/postgresql", port: 5432 }]],
])("loadConfig() pairs the hosts and ports of %s", (url, hosts) => {
  expect(loadWith({ env: { DATABASE_URL: url } }).config.database.hosts).toEqual(hosts);
});

test.each([
  [{ DATABASE_URL: "postgres://app:p#w@db/shop" }, /^DATABASE_URL holds a password with characters/],
  [{ PGPORT: "0" }, 'db-port must be a whole number from 1 to 65535, received "0" (PGPORT)'],
  [
    { PGHOST: "a,b", PGPORT: "1,2,3" },
    'db-port must name one port, or one for each of the 2 hosts, received "1,2,3" (PGPORT)',
  ],
  [{ PGHOST: "postgres://db" }, /^db-host must be a host name, .* received "postgres:\/\/db" \(PGHOST\)/],
  [
    { PGSSLMODE: "on" },
    'db-sslmode must be disable, allow, prefer, require, verify-ca or verify-full, received "on" (PGSSLMODE)',
  ],
  [
    { PGSSLROOTCERT: "/no.pem" },
    'db-sslrootcert names a file that cannot be read, received "/no.pem" (PGSSLROOTCERT): ENOENT',
  ],
])("loadConfig() refuses the database %p", (env, message) => {
  expect(refusalOf({ env })).toMatch(message);
});

test("loadConfig() only warns about a URL that cannot be read when it is not used", () => {
  const { config, warnings } = loadWith({ flags: { "db-host": "db" }, env: { DATABASE_URL: "mysql://x" } });
  expect(config.database.hosts).toEqual([{ host: "db", port: 5432 }]);
  expect(warnings).toEqual([
    'DATABASE_URL must begin with postgres:// or postgresql://, received "mysql://"; it is not used',
  ]);
});

test("loadConfig() asks the password file where no password is named", () => {
  const files = { "/home/me/.pgpass": "db:*:*:*:kept", "/else": "db:*:*:*:elsewhere" };
  const env = { HOME: "/home/me", PGHOST: "db" };
  const { config, sources } = loadWith({ env, files });
  expect(config.database.password?.reveal()).toBe("kept");
  expect(sources.find(({ name }) => name === "db-password")).toMatchObject({
    source: "default",
    from: "/home/me/.pgpass",
  });
  expect(loadWith({ env: { ...env, PGPASSFILE: "/else" }, files }).config.database.password?.reveal()).toBe(
    "elsewhere",
  );
  expect(loadWith({ env: { ...env, PGPASSWORD: "named" }, files }).config.database.password?.reveal()).toBe("named");
});

test("loadConfig() ignores a password file that others can read, with a warning, except on Windows", () => {
  const env = { HOME: "/home/me", APPDATA: "C:\\me", PGHOST: "db" };
  const { config, warnings } = loadWith({ env, files: { "/home/me/.pgpass": ["*:*:*:*:pw", 0o644] } });
  expect(config.database.password).toBeUndefined();
  expect(warnings).toEqual([
    "The password file /home/me/.pgpass is ignored because others can read it; run chmod 600 /home/me/.pgpass",
  ]);
  const files = { "C:\\me\\postgresql\\pgpass.conf": ["*:*:*:*:pw", 0o666] } as const;
  expect(loadWith({ env, files, platform: "win32" }).config.database.password?.reveal()).toBe("pw");
});
