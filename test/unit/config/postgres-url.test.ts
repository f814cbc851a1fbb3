import { expect, test } from "bun:test";
import { parsePostgresUrl } from "../../../src/config/postgres-url.ts";

test.each([
  ["postgres://", {}],
  ["postgresql://db", { host: "db" }],
  ["postgres://db/shop", { host: "db", dbname: "shop" }],
  ["postgres://app:pw@db:6543/shop", { user: "app", password: "pw", host: "db", port: "6543", dbname: "shop" }],
  ["postgres://app@db", { user: "app", host: "db" }],
  ["postgres://:pw@db", { password: "pw", host: "db" }],
  ["postgres://a%40b:p%23%2F%3F%25@db/my%20db", { user: "a@b", password: "p#/?%", host: "db", dbname: "my db" }],
  ["postgres://a:b:c@db", { user: "a", password: "b:c", host: "db" }],
  ["postgres://a:1,b:2/db", { host: "a,b", port: "1,2", dbname: "db" }],
  ["postgres://a,b:2/db", { host: "a,b", port: ",2", dbname: "db" }],
  ["postgres://[::1]:5433/db", { host: "::1", port: "5433", dbname: "db" }],
  ["postgres://[fe80::1],b/db", { host: "fe80::1,b", dbname: "db" }],
  ["postgres://%2Fvar%2Frun%2Fpostgresql/db", { host: "/var/run/postgresql", dbname: "db" }],
  ["postgres:///db?host=/var/run/postgresql", { host: "/var/run/postgresql", dbname: "db" }],
  ["postgres://db/shop?host=other&port=1", { host: "other", port: "1", dbname: "shop" }],
  ["postgres://db?user=u&password=p&dbname=d", { host: "db", user: "u", password: "p", dbname: "d" }],
  ["postgres://db?application_name=a@b", { host: "db", application_name: "a@b" }],
  ["postgres://db?ssl=true", { host: "db", sslmode: "require" }],
  [
    "postgres://db?sslmode=verify-full&sslrootcert=/ca.pem&connect_timeout=3&target_session_attrs=any",
    { host: "db", sslmode: "verify-full", sslrootcert: "/ca.pem", connect_timeout: "3", target_session_attrs: "any" },
  ],
])("parsePostgresUrl() reads %s", (url, parts) => {
  expect(parsePostgresUrl(url)).toEqual({ ok: true, parts, warnings: [] });
});

test("parsePostgresUrl() warns about a parameter it does not know, without its value", () => {
  expect(parsePostgresUrl("postgres://db/shop?schema=secret")).toEqual({
    ok: true,
    parts: { host: "db", dbname: "shop" },
    warnings: ["has a parameter that deby does not know and ignores: schema"],
  });
});

test.each([
  ["pa#ss", '"#" as %23'],
  ["pa?ss", '"?" as %3F'],
  ["pa/ss", '"/" as %2F'],
  ["12/34", '"/" as %2F'],
  ["12?34", '"?" as %3F'],
  ["12?3=4", '"?" as %3F'],
  ["pa@ss", '"@" as %40'],
  ["pa@s/s", '"@" as %40, "/" as %2F'],
  ["pa%ss", '"%" as %25'],
  ["p#a/s?s@%word", '"#" as %23, "/" as %2F, "?" as %3F, "@" as %40, "%" as %25'],
])("parsePostgresUrl() says how to write the password %s, and does not show it", (password, advice) => {
  expect(parsePostgresUrl(`postgres://app:${password}@db:5432/shop?password=x`)).toEqual({
    ok: false,
    problem: `holds a password with characters that must be encoded: write ${advice}, as in postgres://app:***@db:5432/shop`,
  });
});

test.each([
  ["mysql://app:pw@db/shop", 'must begin with postgres:// or postgresql://, received "mysql://"'],
  ["db.example.com", "must begin with postgres:// or postgresql://, received no scheme at all"],
  ["postgres://db:port/shop", "has a host or port that cannot be understood"],
  ["postgres://::1/shop", "has a host or port that cannot be understood"],
  ["postgres://db/shop#x", 'holds a "#", which must be written as %23'],
  ["postgres://db/100%", 'holds a "%" that begins no percent-encoded character; it must be written as %25'],
  ["postgres://db/shop?sslmode", "has a parameter without a value"],
])("parsePostgresUrl() refuses %s", (url, problem) => {
  expect(parsePostgresUrl(url)).toEqual({ ok: false, problem });
});
