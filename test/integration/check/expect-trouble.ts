import { expect } from "bun:test";
import type { CheckStatus } from "../../../src/diagnostics/check.ts";
import { type Call, checkJson, checkText, resultOf } from "./run-check.ts";

/** What `deby check` has to say of a database that somebody has really broken. */
export interface Trouble {
  /** Of the check that finds it. */
  readonly id: string;
  readonly status: CheckStatus;
  readonly exitCode: number;
  /** Part of what was seen, such as the code. */
  readonly evidence: string;
  /** Part of the cause; undefined where nothing is wrong. */
  readonly cause?: string;
  /** Part of the first command for Linux. */
  readonly fix?: string;
}

const MARKS = { pass: "✔ pass", warn: "! warn", fail: "✖ fail", skip: "- skip", unknown: "? unknown" } as const;

const ORDER = ["config", "dns", "tcp", "protocol", "tls", "auth", "database", "query", "version", "role", "pooler"];

/** The same trouble, told to a program and to a person. */
export async function expectTrouble(call: Call, trouble: Trouble): Promise<void> {
  await expectInJson(call, trouble);
  await expectInText(call, trouble);
}

async function expectInJson(call: Call, { id, status, exitCode, evidence, cause, fix }: Trouble): Promise<void> {
  const json = await checkJson(call);
  const result = resultOf(json.report, id);
  expect(result.status).toBe(status);
  expect(result.evidence).toContain(evidence);
  expect(json.exitCode).toBe(exitCode);
  if (cause === undefined) expect(result.cause).toBeNull();
  else expect(result.cause).toContain(cause);
  if (fix !== undefined) {
    expect(result.fix.map(({ os }) => os)).toEqual(expect.arrayContaining(["linux", "macos", "windows"]));
    expect(result.fix.find(({ os }) => os === "linux")?.command).toContain(fix);
  }
  if (status !== "fail") return;
  expect(json.report.summary).toMatchObject({ fail: 1, unknown: 0 });
  if (id === "role") return;
  const later = ORDER.slice(ORDER.indexOf(id) + 1);
  expect(later.map((each) => resultOf(json.report, each).status)).toEqual(later.map(() => "skip"));
}

async function expectInText(call: Call, { id, status, exitCode, evidence, cause, fix }: Trouble): Promise<void> {
  const text = await checkText(call);
  const unbroken = text.stdout.replaceAll(/\s+(?:\\\s+)?/g, " ");
  expect(text.exitCode).toBe(exitCode);
  if (id !== "config") expect(unbroken).toContain(`${MARKS[status]} ${id} `);
  if (id !== "config") expect(unbroken).toContain(evidence);
  if (cause !== undefined) {
    expect(unbroken).toContain(`${MARKS[status]} ${id}: `);
    expect(unbroken).toContain(cause);
  }
  if (fix !== undefined) expect(unbroken).toContain(fix);
  const closing = text.stdout.slice(text.stdout.lastIndexOf("\n\n") + 2);
  expect(closing).toMatch(closingFor(id, status));
  expectNarrow(text.stdout);
  expect(text.stderr).toBe("");
}

function closingFor(id: string, status: CheckStatus): RegExp {
  if (status === "pass") return /^(?:All good|Usable): /;
  if (status === "warn") return new RegExp(`^Usable: .*${id}`, "s");
  return id === "role" ? /^Connected: .*role/ : new RegExp(`^Cannot connect: .*${id}`, "s");
}

export function expectNarrow(text: string): void {
  expect(text.split("\n").filter((line) => line.length > 100)).toEqual([]);
}
