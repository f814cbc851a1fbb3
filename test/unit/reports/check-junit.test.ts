import { expect, test } from "bun:test";
import type { CheckResult, CheckStatus } from "../../../src/diagnostics/check.ts";
import { makeReport } from "../../../src/diagnostics/report-model.ts";
import { renderCheckJunit } from "../../../src/reports/check-junit.ts";

const TARGET = {
  hosts: [{ host: "db", port: 5432 }],
  database: "shop",
  user: "app",
  password: undefined,
  sslmode: "prefer",
  sslRootCert: undefined,
  applicationName: "deby",
  targetSessionAttrs: "any",
} as const;

function result(id: string, status: CheckStatus, changes: Partial<CheckResult> = {}): CheckResult {
  return {
    id,
    title: `Title of ${id}`,
    status,
    evidence: "seen",
    cause: null,
    fix: [],
    docs: null,
    ms: 1500,
    ...changes,
  };
}

const RESULTS = [
  result("a", "pass"),
  result("b", "warn", { cause: "Doubtful" }),
  result("c", "fail", { cause: 'It says "<no>" & more', fix: [{ os: "linux", command: "mend it" }] }),
  result("d", "unknown"),
  result("e", "skip", { evidence: "not tried" }),
];

function render(failOn: "warn" | "fail", results: readonly CheckResult[] = RESULTS): string {
  return renderCheckJunit(makeReport({ target: TARGET, settings: [] }, results, []), failOn);
}

test("each check is a test, and its status is told in JUnit's words", () => {
  const xml = render("fail");
  expect(xml).toContain('name="deby check db:5432" tests="5" failures="1" errors="1" skipped="1" time="7.500"');
  expect(xml).toContain('name="a: Title of a" time="1.500"><system-out>seen</system-out>');
  expect(xml).toContain("<system-out>warning: seen&#10;Doubtful</system-out>");
  expect(xml).toContain('<failure message="It says &quot;&lt;no&gt;&quot; &amp; more">');
  expect(xml).toContain("linux: mend it</failure>");
  expect(xml).toContain('<error message="seen">');
  expect(xml).toContain('<skipped message="not tried"/>');
});

test("a warning fails where warnings count", () => {
  expect(render("warn")).toContain('failures="2"');
  expect(render("warn")).toContain('<failure message="Doubtful">');
});

test("what XML cannot hold is replaced", () => {
  const xml = render("fail", [result("a", "fail", { evidence: "\u0000\u001b[31m\ud800x\uffff", cause: "\u0007bell" })]);
  expect(xml).toContain('message="·bell"');
  expect(xml).toContain("··[31m\ufffdx·");
});
