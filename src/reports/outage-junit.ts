import type { OutageResult } from "../outage/report-model.ts";
import type { SeriesRun } from "../outage/series.ts";
import { escapeMarkup } from "./markup.ts";
import { sloValue } from "./outage-words.ts";

interface TestCase {
  readonly name: string;
  readonly kind: "passed" | "failure" | "error" | "skipped";
  readonly message: string;
}

interface TestSuite {
  readonly name: string;
  readonly timestamp: string | undefined;
  readonly durationMs: number;
  readonly cases: readonly TestCase[];
}

/**
 * The report for a CI server: a suite for each run, a case for each objective.
 * Source: the JUnit schema of Jenkins' xUnit plugin, which GitLab and GitHub's actions read as well.
 */
export function renderOutageJunit(runs: readonly SeriesRun[]): string {
  const suites = runs.map(suiteOf);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="deby simulate-outage" ${countsOf(suites)}>`,
    ...suites.flatMap(suiteLines),
    "</testsuites>",
    "",
  ].join("\n");
}

function suiteOf(run: SeriesRun, index: number, runs: readonly SeriesRun[]): TestSuite {
  const earlier = runs.slice(0, index).filter(({ scenario }) => scenario === run.scenario).length;
  const repeated = runs.filter(({ scenario }) => scenario === run.scenario).length > 1;
  const name = `outage.${run.scenario}${repeated ? `.${earlier + 1}` : ""}`;
  switch (run.kind) {
    case "judged":
      return { name, ...judgedSuite(run.result) };
    case "refused":
      return { name, ...lone({ name: "can be done here", kind: "skipped", message: run.reason }) };
    case "failed":
      return { name, ...lone({ name: "could be run", kind: "error", message: run.reason }) };
  }
}

function judgedSuite({ report, chart }: OutageResult): Omit<TestSuite, "name"> {
  const cases = report.slos.map((slo): TestCase => {
    const { expression, value, kept } = slo;
    const isOpen = report.verdict === "interrupted" && (kept || value === null);
    const kind = isOpen ? "skipped" : kept ? "passed" : "failure";
    return { name: expression, kind, message: isOpen ? "The run was interrupted" : `measured: ${sloValue(slo)}` };
  });
  return { timestamp: report.startedAt, durationMs: chart.durationMs, cases };
}

function lone(testCase: TestCase): Omit<TestSuite, "name"> {
  return { timestamp: undefined, durationMs: 0, cases: [testCase] };
}

function suiteLines(suite: TestSuite): string[] {
  const { name, timestamp, durationMs, cases } = suite;
  const seconds = (durationMs / 1_000).toFixed(3);
  const when = timestamp === undefined ? "" : ` timestamp="${timestamp.replace(/\.\d+Z$/, "")}"`;
  return [
    `  <testsuite name="${escapeMarkup(name)}" ${countsOf([suite])}${when} time="${seconds}">`,
    ...cases.map((testCase) => caseLine(testCase, name)),
    "  </testsuite>",
  ];
}

function caseLine({ name, kind, message }: TestCase, suite: string): string {
  const head = `    <testcase classname="${escapeMarkup(suite)}" name="${escapeMarkup(name)}" time="0"`;
  if (kind === "passed") return `${head}/>`;
  return `${head}><${kind} message="${escapeMarkup(message)}"/></testcase>`;
}

function countsOf(suites: readonly TestSuite[]): string {
  const cases = suites.flatMap((suite) => suite.cases);
  const count = (kind: TestCase["kind"]) => cases.filter((testCase) => testCase.kind === kind).length;
  return `tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}" skipped="${count("skipped")}"`;
}
