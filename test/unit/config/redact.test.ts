import { describe, expect, test } from "bun:test";
import { checkArguments } from "../../../src/commands/arguments.ts";
import { redact } from "../../../src/config/redact.ts";
import { loadWith, refusalOf, type Written } from "./load-with.ts";

const PASSWORD = "hunter2secret";

describe("redact()", () => {
  test.each([
    [`postgres://bob:${PASSWORD}@db/shop`, "postgres://bob:***@db/shop"],
    [`bob:${PASSWORD}@db`, "bob:***@db"],
    [`a:1,bob:${PASSWORD}@db`, "a:***@db"],
    [`postgres://bob:${PASSWORD}/a:b@c@db/shop`, "postgres://bob:***@db/shop"],
    [`jdbc:postgresql://bob:${PASSWORD}@db/shop`, "jdbc:***@db/shop"],
    [
      `postgres://db/shop?user=bob&password=${PASSWORD}&sslmode=require`,
      "postgres://db/shop?user=bob&password=***&sslmode=require",
    ],
    [`host=db password='${PASSWORD} \\' b' user=bob`, "host=db password=*** user=bob"],
  ])("leaves the password out of %p", (text, shown) => {
    expect(redact(text)).toBe(shown);
  });

  test.each([
    "db.example",
    "::1",
    "[::1]:5432",
    "a,b",
    "5432,5433",
    "/var/run",
    "postgres://bob@db:5432/shop",
    "app@tenant",
  ])("shows %p as it is", (text) => {
    expect(redact(text)).toBe(text);
  });
});

const misplaced = [`postgres://bob:${PASSWORD}@db.example/x`, `bob:${PASSWORD}@db`];
const variables = ["PGHOST", "POSTGRES_HOST", "PGPORT", "PGDATABASE", "PGUSER", "PGSSLMODE", "PGSSLROOTCERT"];
const others = ["PGTARGETSESSIONATTRS", "DATABASE_URL_FILE", "DEBY_HOST", "DEBY_POOL_MAX"];

describe.each(misplaced)("%p in the place of something else", (text) => {
  test.each([...variables, ...others])("is refused without its password in %s", (name) => {
    const message = refusalOf({ env: { [name]: text } });
    expect(message).toContain(name);
    expect(message).toContain("bob:***@db");
    expect(message).not.toContain(PASSWORD);
  });

  test.each([...variables, "PGAPPNAME"])("is shown without its password where %s is not used", (name) => {
    const written: Written = {
      flags: { "db-url": "postgres://u@h/db?sslmode=disable&application_name=a" },
      env: { [name]: text },
    };
    const { sources, warnings } = loadWith(written);
    const shown = JSON.stringify([sources, warnings]);
    expect(shown).toContain("bob:***@db");
    expect(shown).not.toContain(PASSWORD);
  });

  test("is not shown where a command takes no such argument", () => {
    expect(() => checkArguments([text], {})).toThrow("bob:***@db");
  });
});

test("a variable that stands behind the command is told without its password", () => {
  for (const name of ["PGPASSWORD", "POSTGRES_PASSWORD"]) {
    expect(() => checkArguments([`${name}=${PASSWORD}`], {})).toThrow(`${name}=***`);
  }
});

test("an application's name is free text, and may look like user:password@host", () => {
  const { config } = loadWith({ env: { PGAPPNAME: "shop:web@pod-7f9" } });
  expect(config.database.applicationName).toBe("shop:web@pod-7f9");
});
