import { expect, test } from "bun:test";
import { commandLine, currentSystem, onEverySystem, sqlName } from "../../../src/diagnostics/shell.ts";

const ODD = ["plain", "two words", "it's", `say "hi"`, "$HOME", "`id`", "a\\b", "it's $5", "!!", "*", "", "ü;&|<>()"];

test.each(ODD)("what sh reads of a quoted argument is the argument: %p", async (argument) => {
  const line = commandLine("linux", ["printf", "%s", argument]);
  expect(await Bun.$`sh -c ${line}`.text()).toBe(argument);
});

test("commandLine() quotes only what needs it, and for Windows with double quotes", () => {
  const args = ["psql", "-h", "db.example.com", "-c", `CREATE DATABASE "a b"`];
  expect(commandLine("macos", args)).toBe(`psql -h db.example.com -c 'CREATE DATABASE "a b"'`);
  expect(commandLine("windows", args)).toBe(`psql -h db.example.com -c "CREATE DATABASE \\"a b\\""`);
});

test("sqlName() quotes what PostgreSQL would read otherwise", () => {
  const names = ["deby_ecommerce", "order", "Shop", "my-db", `a"b`, "2nd"];
  expect(names.map(sqlName)).toEqual(["deby_ecommerce", `"order"`, `"Shop"`, `"my-db"`, `"a""b"`, `"2nd"`]);
});

test("onEverySystem() begins with the current one", () => {
  expect(onEverySystem("macos", (os) => [`${os} 1`, `${os} 2`]).map(({ command }) => command)).toEqual([
    "macos 1",
    "macos 2",
    "linux 1",
    "linux 2",
    "windows 1",
    "windows 2",
  ]);
});

test("currentSystem() takes an unknown Unix for Linux", () => {
  expect((["win32", "darwin", "linux", "freebsd"] as const).map(currentSystem)).toEqual([
    "windows",
    "macos",
    "linux",
    "linux",
  ]);
});
