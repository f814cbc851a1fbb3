import { describe, expect, test } from "bun:test";
import type { CheckResult } from "../../../src/diagnostics/check.ts";
import type { CheckReport } from "../../../src/diagnostics/report-model.ts";
import { renderCheckJson, renderCheckText } from "../../../src/reports/check-report.ts";
import { wrapCommand, wrapText } from "../../../src/reports/check-text.ts";

function result(id: string, changes: Partial<CheckResult> = {}): CheckResult {
  return {
    id,
    title: id,
    status: "pass",
    evidence: `${id} is fine`,
    cause: null,
    fix: [],
    docs: null,
    ms: 1,
    ...changes,
  };
}

function report(checks: readonly CheckResult[], changes: Partial<CheckReport> = {}): CheckReport {
  const summary = { pass: 0, warn: 0, fail: 0, skip: 0, unknown: 0 };
  for (const { status } of checks) summary[status] += 1;
  const target = { address: "db:5432", hosts: [], database: "shop", user: "app", settings: [] };
  return { schema: "deby.check/1", target, summary, tables: [], checks, ...changes };
}

function lastLine(text: string): string | undefined {
  return text.trimEnd().split("\n").at(-1);
}

const REFUSED = result("tcp", {
  status: "fail",
  evidence: "db:5432: connection refused (ECONNREFUSED)",
  cause: "db:5432 refuses connections. PostgreSQL is not running there",
  fix: [
    { os: "linux", command: "sudo systemctl start postgresql" },
    { os: "macos", command: "brew services start postgresql" },
  ],
  docs: "https://www.postgresql.org/docs/current/server-start.html",
});

test("all good is said in one line, with what answered", () => {
  const checks = [
    result("query", { evidence: "PostgreSQL 18.1 answers in 1 ms" }),
    result("tables", { evidence: "2 tables in shop" }),
  ];
  const text = renderCheckText(report(checks));
  expect(lastLine(text)).toBe("All good: PostgreSQL 18.1 answers in 1 ms, 2 tables in shop");
  expect(text).not.toContain("Problems");
});

test("what failed comes first, before warnings, with cause, fixes and docs; the closing line names one fix", () => {
  const warning = result("config", { status: "warn", evidence: "host  db", cause: "Two sources disagree" });
  const text = renderCheckText(report([warning, REFUSED, result("auth", { status: "skip", evidence: "not tried" })]));
  expect(text.indexOf("refuses connections")).toBeLessThan(text.indexOf("Two sources disagree"));
  expect(text).toContain("    run      sudo systemctl start postgresql\n    macos    brew services start postgresql\n");
  expect(text).toContain("    see      https://");
  expect(text).toContain("  - skip     auth      not tried\n");
  expect(text).toEndWith(
    "Cannot connect: tcp: db:5432 refuses connections; 1 warning (config); 1 not tried\nFirst: sudo systemctl start postgresql\n",
  );
});

test("a status is never told by colour alone, and colours appear only when asked for", () => {
  const plain = renderCheckText(report([REFUSED]));
  expect(plain).not.toContain("\u001B");
  const colored = renderCheckText(report([REFUSED]), { hasColors: true });
  expect(colored).toContain("\u001B[31m✖ fail    \u001B[0m");
  expect(Bun.stripANSI(colored)).toBe(plain);
});

test.each([
  [[result("config", { status: "warn", cause: "One thing.\nAnother" })], "Usable: 1 warning (config)"],
  [
    [result("tables", { status: "unknown", cause: "No result. At all" })],
    "Usable as far as could be found out: tables unknown",
  ],
  [[result("query"), result("role", { status: "fail", cause: "It is a standby. So" })], "Connected: role failed"],
])("the closing line tells how bad it is %#", (checks, closing) => {
  expect(lastLine(renderCheckText(report(checks)))).toBe(closing);
});

test("twenty tables are shown, and how many more there are", () => {
  const tables = Array.from({ length: 23 }, (_, index) => ({
    schema: "public",
    name: `t${index}`,
    estimatedRows: index === 0 ? null : index * 1000,
    bytes: index === 1 ? null : 2048 * index,
  }));
  const text = renderCheckText(report([result("tables")], { tables }));
  expect(text).toMatch(/public\.t0 +rows unknown +0 bytes\n/);
  expect(text).toMatch(/public\.t1 +~1,000 rows +locked\n/);
  expect(text).toMatch(/public\.t19 +~19,000 rows +38\.0 kB\n {2}and 3 more, which --json lists\n/);
});

test("no line is longer than 100 columns, whatever its parts", () => {
  const host = `db.${"x".repeat(60)}.example.com`;
  const command = `psql -h ${host} -p 5432 -U postgres -c 'CREATE DATABASE shop OWNER app'`;
  const checks = [
    result("config", { evidence: `db-host  ${host}  ${"environment (DATABASE_URL)".repeat(2)}` }),
    result("database", {
      status: "fail",
      cause: `The database on ${host} does not exist. ${"word ".repeat(60)}`,
      fix: [{ os: "linux", command }],
    }),
  ];
  const text = renderCheckText(report(checks));
  expect(text.split("\n").filter((line) => line.length > 100)).toEqual([]);
});

test("control codes in what a server says are shown, not obeyed", () => {
  const checks = [result("auth", { status: "fail", evidence: "\u001B[2Jgone", cause: "\u001B]0;title\u0007 said" })];
  const text = renderCheckText(report(checks));
  expect(["\u001B", "\u0007"].filter((code) => text.includes(code))).toEqual([]);
});

test("JSON holds the report as it is", () => {
  const original = report([REFUSED]);
  expect(JSON.parse(renderCheckJson(original))).toEqual(original as never);
});

describe("wrapCommand()", () => {
  test("breaks between arguments, so that the whole can still be pasted", async () => {
    const command = `printf '%s\\n' one 'two words' "it's three" four`;
    const lines = wrapCommand(command, 24, "\\");
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.every((line) => line.length <= 24)).toBe(true);
    expect(await Bun.$`sh -c ${lines.join("\n    ")}`.text()).toBe("one\ntwo words\nit's three\nfour\n");
  });

  test.each([
    `psql -c "UPDATE t SET a = 'two  words' WHERE b IN (1, 2, 3) AND c = 'x y'"`,
    `psql -c 'ALTER TABLE "an odd  name" ADD CHECK (a <> '\\''two  words'\\'' AND b)'`,
  ])("breaks a statement where SQL does not mind: %s", async (command) => {
    const lines = wrapCommand(command, 30, "\\").map((line) => `  ${line}`);
    expect(lines.length).toBeGreaterThan(2);
    const run = async (text: string) => await Bun.$`sh -c ${`psql() { printf %s "$2"; }; ${text}`}`.text();
    expect((await run(lines.join("\n"))).replaceAll(/\n */g, " ")).toBe(await run(command));
  });

  test("leaves a short one alone", () => {
    expect(wrapCommand("docker start NAME", 80, "^")).toEqual(["docker start NAME"]);
  });
});

test("wrapText() keeps line breaks and cuts what has no space", () => {
  expect(wrapText("aa bb cc\nd", 5)).toEqual(["aa bb", "cc", "d"]);
  expect(wrapText("abcdefgh ij", 4)).toEqual(["abcd", "efgh", "ij"]);
  expect(wrapText("  - aa bb cc", 8)).toEqual(["  - aa", "  bb cc"]);
});
