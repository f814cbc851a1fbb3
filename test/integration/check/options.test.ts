import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../../src/commands/cli.ts";
import { readTextFile } from "../../../src/config/read-file.ts";
import { CHECKS } from "../../../src/diagnostics/checks.ts";
import { runDeby } from "../../support/executable.ts";
import { freePort } from "../../support/ports.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { expectNarrow } from "./expect-trouble.ts";
import { checkJson, checkText, type Environment, environmentOf } from "./run-check.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server[Symbol.asyncDispose]());

const CONNECTION = ["--only", "connection"];

/** A warning, and nothing worse: another source names another host. */
function doubtful(): Environment {
  return environmentOf(server, { POSTGRES_HOST: "db.example.com" });
}

describe("deby check --only and --skip", () => {
  test("run and report what they name", async () => {
    const only = await checkJson({ env: environmentOf(server), flags: ["--only", "query,tables"] });
    expect(only.report.checks.map(({ id }) => id)).toEqual(["query", "tables"]);
    const skip = await checkJson({ env: environmentOf(server), flags: ["--skip", "health,tables,config"] });
    const left = CHECKS.filter(({ id, group }) => group === "connection" && !["tables", "config"].includes(id));
    expect(skip.report.checks.map(({ id }) => id)).toEqual(left.map(({ id }) => id));
  });

  test("tell what stands in the way, although nobody has asked for it", async () => {
    const env = { PGHOST: "127.0.0.1", PGPORT: String(await freePort()) };
    const { exitCode, report } = await checkJson({ env, flags: ["--only", "tables"] });
    expect(exitCode).toBe(1);
    expect(report.checks.map(({ id, status }) => `${id} ${status}`)).toEqual(["tcp fail", "tables skip"]);
  });

  test("keep a warning that was skipped from counting", async () => {
    const flags = ["--fail-on", "warn", ...CONNECTION];
    expect((await checkJson({ env: doubtful(), flags })).exitCode).toBe(1);
    expect((await checkJson({ env: doubtful(), flags: [...flags, "--skip", "config"] })).exitCode).toBe(0);
  });
});

test("deby check --fail-on says from which status on the exit code is 1", async () => {
  expect((await checkJson({ env: doubtful(), flags: CONNECTION })).exitCode).toBe(0);
  expect((await checkJson({ env: doubtful(), flags: [...CONNECTION, "--fail-on", "fail"] })).exitCode).toBe(0);
  expect((await checkJson({ env: doubtful(), flags: [...CONNECTION, "--fail-on", "warn"] })).exitCode).toBe(1);
});

describe("deby check --junit", () => {
  test("writes the report as a test suite, besides what it prints", async () => {
    await using folder = makeTempFolder("junit");
    const file = join(folder.path, "check.xml");
    const env = environmentOf(server, { PGPASSWORD: "wrong-password", POSTGRES_HOST: "db.example.com" });
    const { exitCode, report } = await checkJson({ env, flags: ["--junit", file] });
    expect(exitCode).toBe(1);
    const xml = readFileSync(file, "utf8");
    const { pass, warn, fail, skip } = report.summary;
    const total = pass + warn + fail + skip;
    expect(xml).toContain(`tests="${total}" failures="1" errors="0" skipped="${skip}"`);
    expect(xml.match(/<testcase /g)).toHaveLength(total);
    expect(xml).toContain('<failure message="The server refuses postgres with the password from PGPASSWORD');
    expect(xml).toContain("warning: ");
    expect(await wellFormed(file)).toBe(true);
  });

  test("is refused before the run where the file cannot be written", async () => {
    const { exitCode, stdout, stderr } = await checkText({ flags: ["--junit", "/nowhere/at/all.xml"] });
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("--junit cannot be written: there is no writable folder /nowhere/at");
  });
});

/** By a reader that forgives nothing, where there is one. */
async function wellFormed(file: string): Promise<boolean> {
  if (Bun.which("python3") === null) return true;
  return (
    (await Bun.$`python3 -c "import sys, xml.dom.minidom as x; x.parse(sys.argv[1])" ${file}`.nothrow()).exitCode === 0
  );
}

describe("deby check tells about itself:", () => {
  test("--list shows every check, by group, and connects to nothing", async () => {
    const { exitCode, stdout } = await runDeby(["check", "--list"], { env: { DATABASE_URL: "nonsense" } });
    expect(exitCode).toBe(0);
    for (const { id, title } of CHECKS) expect(stdout).toMatch(new RegExp(`^  ${id} +${title}$`, "m"));
    expectNarrow(stdout);
  });

  test("--explain tells of every check what it looks at", async () => {
    for (const { id, title, about = "" } of CHECKS.filter(({ group }) => group === "connection")) {
      const { exitCode, stdout } = await runDeby(["check", "--explain", id]);
      expect(exitCode).toBe(0);
      expect(stdout).toContain(`${id}: ${title}`);
      expect(about).not.toBe("");
      expect(stdout.replaceAll(/\s+/g, " ")).toContain(about);
      expectNarrow(stdout);
    }
  });

  test("--explain tells what a code means and what to type", async () => {
    const { exitCode, stdout } = await runDeby(["check", "--explain", "econnrefused"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("nothing listens there");
    expect(stdout).toContain("run      sudo systemctl start postgresql");
  });
});

test("on a terminal the report comes check by check, and in the end it is the same one", async () => {
  const written: string[] = [];
  const stdout = { isTTY: true, columns: 100, write: (text: string) => written.push(text) };
  const stderr = { isTTY: true, write: () => true };
  const exitCode = await runCli(["check", "--only", "connection"], {
    ...{ stdout, stderr, platform: process.platform },
    env: { ...environmentOf(server), NO_COLOR: "1" },
    readFile: readTextFile,
    ask: () => Promise.resolve(undefined),
    exit: () => {},
    onSignals: () => () => {},
    onStrayError: () => {},
  });
  expect(exitCode).toBe(0);
  const withResults = written.filter((text) => text.includes("✔"));
  expect(withResults.length).toBeGreaterThanOrEqual(CHECKS.filter(({ group }) => group === "connection").length - 1);
  const { stdout: atOnce } = await checkText({ env: environmentOf(server), flags: ["--only", "connection"] });
  expect(untimed(written.join(""))).toBe(untimed(atOnce));
});

function untimed(text: string): string {
  return text.replaceAll(/[\d.]+ ms/g, "… ms");
}

test.each([
  ["--timeout", "5"],
  ["--timeout", "0s"],
  ["--wait", "soon"],
  ["--wait", "0s"],
  ["--only", "tbles"],
  ["--skip", "nothing"],
  ["--fail-on", "error"],
  ["--explain", "28P99"],
  ["--instances", "0"],
])("deby check %s %s is refused with 2, and nothing is printed", async (flag, value) => {
  const { exitCode, stdout, stderr } = await checkText({ flags: [flag, value] });
  expect(exitCode).toBe(2);
  if (flag !== "--instances") expect(stdout).toBe("");
  expect(`${stdout}${stderr}`).toContain(`"${value}"`);
});
