import { describe, expect, test } from "bun:test";
import { codedError } from "../../../src/core/within.ts";
import { parseFarewell } from "../../../src/database/farewell.ts";
import {
  classifyConnectFailure,
  classifyStatementFailure,
  connectError,
  describeReason,
  lostError,
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
    const classes = ["57P01", "57P02", "08006", "25P03", "ECONNRESET", "40001", "40P01", "25006", "42601", "23505"].map(
      classifyStatementFailure,
    );
    expect(classes).toEqual([
      "lost",
      "lost",
      "lost",
      "lost",
      "lost",
      "conflict",
      "conflict",
      "routing",
      "application",
      "application",
    ]);
  });

  test("each error of a statement has its code and tells that nothing of it remains", () => {
    const codes = ["57014", "23505", "40P01", "25006", "42601"].map((code) =>
      statementError({ code, message: "m" }, true),
    );
    expect(codes.map(({ code, outcome }) => `${code} ${outcome}`)).toEqual([
      "STATEMENT_TIMEOUT rolled-back",
      "CONSTRAINT_VIOLATED rolled-back",
      "SERIALIZATION_FAILURE rolled-back",
      "READ_ONLY rolled-back",
      "STATEMENT_FAILED rolled-back",
    ]);
  });

  test("57P01 does not prove that a sent write was undone", () => {
    expect(statementError({ code: "57P01", message: "shutting down" }, true)).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      outcome: "unknown",
    });
    expect(lostError(codedError("ECONNRESET", "reset"), false).outcome).toBe("not-executed");
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

  test("is silent about an ordinary error, another message, and garbage", () => {
    expect(parseFarewell(message({ V: "ERROR", C: "42601", M: "syntax" }))).toBeUndefined();
    expect(parseFarewell(Buffer.from("Z\0\0\0\x05I"))).toBeUndefined();
    expect(parseFarewell(Buffer.from("E"))).toBeUndefined();
    expect(parseFarewell(undefined)).toBeUndefined();
  });
});
