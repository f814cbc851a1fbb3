import { describe, expect, test } from "bun:test";
import { codedError } from "../../../src/core/within.ts";
import { endsTransaction, finalError, mayRepeat, standaloneError } from "../../../src/database/retry.ts";
import { lostError, statementError } from "../../../src/database/sqlstate.ts";
import { DebyError } from "../../../src/errors.ts";

const closed = codedError("CONNECTION_CLOSED", "closed");
const sent = lostError(closed, true);
const unsent = lostError(closed, false);

describe("what may be repeated", () => {
  test("a declared read that was sent, at most twice", () => {
    expect([0, 1, 2].map((repeats) => mayRepeat(sent, "read", repeats))).toEqual([true, true, false]);
  });

  test("never a write that was sent, and any statement that was not", () => {
    expect(mayRepeat(sent, "write", 0)).toBe(false);
    expect(mayRepeat(unsent, "write", 0)).toBe(true);
  });

  test("a collision, which the server has undone, up to three times", () => {
    const collision = statementError({ severity: "ERROR", code: "40001", message: "could not serialize" }, true);
    expect([0, 1, 2, 3].map((repeats) => mayRepeat(collision, "write", repeats))).toEqual([true, true, true, false]);
  });

  test("nothing that the gate refused or that the statement itself brought about", () => {
    expect(mayRepeat(new DebyError("DATABASE_UNAVAILABLE", "down"), "read", 0)).toBe(false);
    expect(mayRepeat(statementError({ severity: "ERROR", code: "42601", message: "syntax" }, true), "read", 0)).toBe(
      false,
    );
    expect(mayRepeat(new Error("of the application"), "read", 0)).toBe(false);
  });
});

describe("statements that may commit on their way", () => {
  const failed = statementError({ severity: "ERROR", code: "40001", message: "could not serialize" }, true);

  test.each([
    "call p()",
    "  CALL p()",
    "-- note\n call p()",
    "/* a\nb */ do $$ begin commit; end $$",
    "vacuum t",
    "create unique index concurrently i on t (a)",
    "alter table t detach partition p concurrently",
    "/* a /* b */ c */ call p()",
    "-- note\rcall p()",
    "drop /* it */ index concurrently i",
  ])("%s: its error does not mean that nothing remains, and it is not repeated", (text) => {
    const error = standaloneError(failed, text);
    expect(error).toMatchObject({ outcome: "unknown" });
    expect(mayRepeat(error, "write", 0)).toBe(false);
  });

  test.each(["select call from t", "insert into t values ('do')", "update calls set a = 1", "create index i on t (a)"])(
    "%s is undone by its error",
    (text) => {
      expect(standaloneError(failed, text)).toBe(failed);
    },
  );
});

describe("what ends a transaction", () => {
  test.each([
    "commit",
    " END;",
    "abort",
    "-- now\nrollback",
    "/* by */ /* hand */ commit",
    ";rollback and chain",
    "ROLLBACK WORK",
    "prepare transaction 'x'",
    "/* a /* b */ c */ commit and chain",
    "--x\rcommit and chain",
    "/**/commit",
  ])("%s", (text) => {
    expect(endsTransaction(text)).toBe(true);
  });

  test.each([
    "rollback to here",
    "rollback work to savepoint here",
    "rollback /* undo */ to savepoint here",
    "/* commit",
    "-- commit",
    "select '/*' || $1 /* */ commit",
    "/* a */ */ commit",
    "select 'commit'",
    "prepare p as select 1",
    "ending",
    "/* a */ select case when b then c /* d */ end from t",
    `${"/* note */ ".repeat(200)} select 1`,
  ])("%s does not", (text) => {
    expect(endsTransaction(text)).toBe(false);
  });
});

describe("the error that the caller sees", () => {
  test("a write of unknown fate is OUTCOME_UNKNOWN, which no proxy repeats by itself", () => {
    expect(finalError(sent, "write")).toMatchObject({ code: "OUTCOME_UNKNOWN", outcome: "unknown", status: 500 });
    expect(finalError(sent, "read")).toBe(sent);
    expect(finalError(unsent, "write")).toBe(unsent);
  });
});
