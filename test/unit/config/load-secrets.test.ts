import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { loadWith, refusalOf } from "./load-with.ts";

const files = { "/run/token": "from-the-file\n", "/run/empty": "\n", "/run/pw": "pass word\r\n" };

test.each([
  [{ env: { DEBY_ADMIN_TOKEN_FILE: "/run/token" } }, "DEBY_ADMIN_TOKEN_FILE"],
  [{ flags: { "admin-token-file": "/run/token" } }, "--admin-token-file"],
])("loadConfig() reads a token from the file that %p names", (written, from) => {
  const { config, sources } = loadWith({ ...written, files });
  expect(config.serve.adminToken?.reveal()).toBe("from-the-file");
  expect(sources.find(({ name }) => name === "admin-token")).toMatchObject({ value: "***le", from });
});

test.each([
  [{ env: { PGPASSWORD_FILE: "/run/pw" } }],
  [{ env: { POSTGRES_PASSWORD_FILE: "/run/pw" } }],
  [{ flags: { "db-password-file": "/run/pw" } }],
  [{ envFile: "PGPASSWORD_FILE=/run/pw" }],
])("loadConfig() reads the password from the file that %p names, without its last line end", (written) => {
  expect(loadWith({ ...written, files }).config.database.password?.reveal()).toBe("pass word");
});

test("loadConfig() reads the URL from the file that DATABASE_URL_FILE names", () => {
  const urls = { "/run/url": "postgres://app:pw@db/shop\n" };
  const { config } = loadWith({ env: { DATABASE_URL_FILE: "/run/url" }, files: urls });
  expect(config.database).toMatchObject({ hosts: [{ host: "db", port: 5432 }], user: "app", database: "shop" });
});

test("loadConfig() refuses a secret's file that is missing, empty, or beside the secret itself", () => {
  expect(refusalOf({ env: { DEBY_ADMIN_TOKEN_FILE: "/run/nothing" }, files })).toBe(
    "DEBY_ADMIN_TOKEN_FILE names a file that cannot be read: /run/nothing (ENOENT)",
  );
  expect(refusalOf({ flags: { "db-password-file": "/run/empty" }, files })).toBe(
    "--db-password-file names an empty file: /run/empty",
  );
  expect(refusalOf({ env: { PGPASSWORD: "x", PGPASSWORD_FILE: "/run/pw" }, files })).toBe(
    "PGPASSWORD and PGPASSWORD_FILE are both set; only one may be",
  );
});

test("loadConfig() warns about a secret in the arguments", () => {
  expect(loadWith({ flags: { "admin-token": "abc" } }).warnings).toEqual([
    "--admin-token is visible to other users of this machine; use --admin-token-file",
  ]);
  expect(loadWith({ flags: { "db-url": "postgres://app:pw@db/shop" } }).warnings).toEqual([
    "--db-url holds a password, which other users of this machine can see; use --db-password-file",
  ]);
});

test("loadConfig() refuses a token that no header could carry, without showing it", () => {
  const message = refusalOf({ env: { DEBY_ADMIN_TOKEN: "two words" } });
  expect(message).toBe("admin-token must be printable ASCII characters without spaces (DEBY_ADMIN_TOKEN)");
});

test("nothing that is loaded shows a secret", () => {
  const loaded = loadWith({
    env: {
      DATABASE_URL: "postgres://app:topsecret-password@db/shop",
      DEBY_ADMIN_TOKEN: "topsecret-token",
      PGPASSWORD: "topsecret-other",
    },
  });
  expect(JSON.stringify(loaded) + inspect(loaded, { depth: 9 })).not.toContain("topsecret");
});
