import { describe, expect, test } from "bun:test";
import { DebyError, type DebyErrorOptions, type ErrorCode } from "../../../src/errors.ts";
import { problemResponse, toProblem } from "../../../src/http/problem.ts";

function answerFor(code: ErrorCode, options: DebyErrorOptions = {}): Response {
  return problemResponse(new DebyError(code, "Because", options));
}

describe("problemResponse()", () => {
  test("is problem+json that nobody stores", async () => {
    const answer = answerFor("DATABASE_UNAVAILABLE", { retryAfterMs: 1200 });
    expect(answer.status).toBe(503);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(await answer.json()).toEqual({
      type: "urn:deby:error:database-unavailable",
      title: "The database cannot be reached",
      status: 503,
      detail: "Because",
      code: "DATABASE_UNAVAILABLE",
      outcome: "not-executed",
      retryable: true,
    });
  });

  const RETRY_AFTER: readonly [ErrorCode, number | undefined, string | null][] = [
    ["DATABASE_UNAVAILABLE", undefined, "1"],
    ["DATABASE_UNAVAILABLE", 1, "1"],
    ["DATABASE_UNAVAILABLE", 9001, "10"],
    ["DATABASE_MISCONFIGURED", 4000, "4"],
    ["POOL_EXHAUSTED", undefined, "1"],
    ["POOL_EXHAUSTED", 2000, "2"],
    ["POOL_EXHAUSTED", 60_000, "3"],
    ["READ_ONLY", 60_000, "1"],
    ["KEY_IN_PROGRESS", undefined, "1"],
    ["OUTCOME_UNKNOWN", 1000, null],
    ["STATEMENT_TIMEOUT", 1000, null],
    ["DEADLINE_EXCEEDED", 1000, null],
    ["KEY_REUSED", undefined, null],
    ["SHUTTING_DOWN", undefined, null],
  ];
  for (const [code, retryAfterMs, expected] of RETRY_AFTER) {
    test(`${code} after ${retryAfterMs} ms says Retry-After ${expected}`, () => {
      const answer = answerFor(code, retryAfterMs === undefined ? {} : { retryAfterMs });
      expect(answer.headers.get("retry-after")).toBe(expected);
    });
  }

  test("SHUTTING_DOWN closes the connection", () => {
    expect(answerFor("SHUTTING_DOWN").headers.get("connection")).toBe("close");
  });

  test("never invites to repeat what perhaps happened", async () => {
    const answer = answerFor("DATABASE_UNAVAILABLE", { outcome: "unknown" });
    expect(answer.headers.get("retry-after")).toBeNull();
    expect(await answer.json()).toMatchObject({ retryable: false, outcome: "unknown" });
  });

  test("keeps the words of the database and of unknown failures in the server", () => {
    const secret = 'relation "users_private" does not exist';
    for (const code of ["STATEMENT_FAILED", "INTERNAL_ERROR"] as const) {
      expect(toProblem(new DebyError(code, secret)).detail).not.toContain("users_private");
    }
  });
});
