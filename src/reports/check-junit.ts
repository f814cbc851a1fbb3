import type { CheckResult } from "../diagnostics/check.ts";
import type { CheckReport, FailOn } from "../diagnostics/report-model.ts";

/** The report as a test suite, each check a test: what counts as a failure fails, unknown is an error. */
export function renderCheckJunit({ checks, summary, target }: CheckReport, failOn: FailOn): string {
  const failures = summary.fail + (failOn === "warn" ? summary.warn : 0);
  const seconds = checks.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  const counts = `tests="${checks.length}" failures="${failures}" errors="${summary.unknown}" skipped="${summary.skip}"`;
  const suite = `name="deby check ${escaped(target.address)}" ${counts} time="${seconds.toFixed(3)}"`;
  const cases = checks.map((check) => testCase(check, failOn));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n<testsuite ${suite}>\n${cases.join("")}</testsuite>\n</testsuites>\n`;
}

function testCase(check: CheckResult, failOn: FailOn): string {
  const { id, title, ms } = check;
  const head = `<testcase classname="deby.check" name="${escaped(`${id}: ${title}`)}" time="${(ms / 1000).toFixed(3)}">`;
  return `${head}${outcome(check, failOn)}</testcase>\n`;
}

function outcome(check: CheckResult, failOn: FailOn): string {
  const { status, evidence, cause } = check;
  const message = escaped(firstLine(cause ?? evidence));
  switch (status) {
    case "pass":
      return element("system-out", evidence);
    case "skip":
      return `<skipped message="${escaped(evidence)}"/>`;
    case "unknown":
      return `<error message="${message}">${escaped(detailsOf(check))}</error>`;
    case "fail":
      return `<failure message="${message}">${escaped(detailsOf(check))}</failure>`;
    case "warn":
      if (failOn === "warn") return `<failure message="${message}">${escaped(detailsOf(check))}</failure>`;
      return element("system-out", `warning: ${detailsOf(check)}`);
    default:
      return status satisfies never;
  }
}

function detailsOf({ evidence, cause, fix, docs }: CheckResult): string {
  const commands = fix.map(({ os, command }) => `${os}: ${command}`);
  return [evidence, cause ?? "", ...commands, docs ?? ""].filter((line) => line !== "").join("\n");
}

function element(name: string, text: string): string {
  return `<${name}>${escaped(text)}</${name}>`;
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}

/** What XML can hold of a text: some control codes it can hold in no way at all. */
function escaped(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, "·")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("\n", "&#10;")
  );
}
