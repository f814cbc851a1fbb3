import { describe, expect, test } from "bun:test";
import { codedError } from "../../../src/core/within.ts";
import { parseFarewell } from "../../../src/database/farewell.ts";
import {
  classifyConnectFailure,
  classifyStatementFailure,
  connectError,
  describeReason,
  reasonOf,
  statementError,
} from "../../../src/database/sqlstate.ts";

describe("codes", () => {
  test("an attempt to connect is lost, refused for now, or refused for a reason that waiting does not cure", () => {
    const classes = ["ECONNREFUSED", "ETIMEDOUT", "57P03", "53300", "28P01", "28000", "3D000", "TLS_REFUSED"].map(
      classifyConnectFailure,
    );
    expect(classes).toEqual([
      "lost",
      "lost",
      "transient",
      "transient",
      "misconfigured",
      "misconfigured",
      "misconfigured",
      "misconfigured",
    ]);
  });

  test("a statement ends with its connection, by a collision, by routing, or by its own fault", () => {
    const classes = ["ECONNRESET", "CONNECTION_CLOSED", "40001", "40P01", "25006", "42601", "23505"].map(
      classifyStatementFailure,
    );
    expect(classes).toEqual(["lost", "lost", "conflict", "conflict", "routing", "application", "application"]);
  });

  test("each error of a statement has its code and tells that nothing of it remains", () => {
    const errors = ["57014", "23505", "40P01", "25006", "42601"].map((code) =>
      statementError({ severity: "ERROR", code, message: "m" }, true),
    );
    expect(errors.map(({ code, outcome }) => `${code} ${outcome}`)).toEqual([
      "STATEMENT_TIMEOUT rolled-back",
      "CONSTRAINT_VIOLATED rolled-back",
      "SERIALIZATION_FAILURE rolled-back",
      "READ_ONLY rolled-back",
      "STATEMENT_FAILED rolled-back",
    ]);
  });

  test("a connection error of severity ERROR is about another server, one of severity FATAL about this one", () => {
    const ofForeignServer = statementError({ severity: "ERROR", code: "08001", message: "could not connect" }, true);
    expect(ofForeignServer).toMatchObject({
      code: "STATEMENT_FAILED",
      outcome: "rolled-back",
      isLostConnection: false,
    });
    const ofThisOne = statementError({ severity: "FATAL", code: "57P01", message: "shutting down" }, true);
    expect(ofThisOne).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome: "unknown", isLostConnection: true });
  });

  test("what the driver throws itself says nothing about the server, once bytes were sent", () => {
    const error = codedError("UNREADABLE", "cannot read the answer");
    expect([statementError(error, true).outcome, statementError(error, false).outcome]).toEqual([
      "unknown",
      "not-executed",
    ]);
  });

  test("the reason of a wrapped error is what lies beneath it, said once", () => {
    const error = connectError(codedError("ECONNREFUSED", "connect ECONNREFUSED"), "db:5432");
    expect(error.message).toBe("Cannot connect to db:5432: connection refused (ECONNREFUSED)");
    expect(describeReason(reasonOf(error))).toBe("connection refused (ECONNREFUSED)");
  });
});

describe("parseFarewell", () => {
  const message = (fields: Record<string, string>) => {
    const body = Buffer.from(
      `${Object.entries(fields)
        .map(([key, value]) => `${key}${value}\0`)
        .join("")}\0`,
    );
    const head = Buffer.from([0x45, 0, 0, 0, 0]);
    head.writeUInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };

  test("reads why the server ended the connection", () => {
    const chunk = message({ S: "FATAL", V: "FATAL", C: "57P01", M: "terminating connection" });
    expect(parseFarewell(chunk)).toEqual({ code: "57P01", message: "terminating connection" });
  });

  test("finds it behind the beginning of a result, and before what a pooler adds", () => {
    const begun = Buffer.from("2\0\0\0\x04");
    const ofServer = message({
      S: "FATAL",
      V: "FATAL",
      C: "57P01",
      M: "terminating connection",
      R: "ProcessInterrupts",
    });
    const ofPooler = message({ S: "FATAL", C: "08P01", M: "server conn crashed?" });
    const routine = "ProcessInterrupts";
    expect(parseFarewell(Buffer.concat([begun, ofServer, ofPooler]))).toMatchObject({ code: "57P01", routine });
    expect(parseFarewell(ofPooler)).toEqual({ code: "08P01", message: "server conn crashed?" });
  });

  test("is silent about an ordinary error, another message, and garbage", () => {
    expect(parseFarewell(message({ V: "ERROR", C: "42601", M: "syntax" }))).toBeUndefined();
    expect(parseFarewell(Buffer.from("Z\0\0\0\x05I"))).toBeUndefined();
    expect(parseFarewell(Buffer.from("E"))).toBeUndefined();
    expect(parseFarewell(undefined)).toBeUndefined();
  });
});
