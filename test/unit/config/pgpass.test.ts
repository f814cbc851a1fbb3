import { expect, test } from "bun:test";
import { findPgpassPassword } from "../../../src/config/pgpass.ts";

const key = { host: "db", port: 5432, database: "shop", user: "app" };

test("findPgpassPassword() takes the first line that fits", () => {
  const text = "# comment\nother:5432:shop:app:no\ndb:5432:shop:app:first\ndb:*:*:app:second\n";
  expect(findPgpassPassword(text, key)).toBe("first");
});

test("findPgpassPassword() lets * stand for anything", () => {
  expect(findPgpassPassword("*:*:*:*:any", key)).toBe("any");
});

test("findPgpassPassword() reads escaped colons and backslashes", () => {
  const text = "d\\:b:5432:shop:app:p\\:a\\\\ss";
  expect(findPgpassPassword(text, { ...key, host: "d:b" })).toBe("p:a\\ss");
});

test("findPgpassPassword() knows a Unix socket by its folder and as localhost", () => {
  const socket = { ...key, host: "/run/postgresql" };
  expect(findPgpassPassword("localhost:5432:shop:app:one", socket)).toBe("one");
  expect(findPgpassPassword("/run/postgresql:5432:shop:app:two", socket)).toBe("two");
});

test("findPgpassPassword() has nothing for others, nor from lines that are no entries", () => {
  expect(findPgpassPassword("db:5433:shop:app:no\nnonsense\ndb:5432:shop:app:\n", key)).toBeUndefined();
});
