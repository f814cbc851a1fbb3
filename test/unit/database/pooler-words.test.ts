import { describe, expect, test } from "bun:test";
import { readPoolerWord } from "../../../src/database/pooler-words.ts";
import { classifyConnectFailure, connectError, lostError, statementError } from "../../../src/database/sqlstate.ts";

/** As the driver throws it: PgBouncer 1.18 gives one code to all, and neither routine nor untranslated severity. */
const said = (message: string) => ({ code: "08P01", severity_local: "FATAL", message });

describe("readPoolerWord", () => {
  test.each([
    ["query_wait_timeout", "POOLER_NO_SERVER", "transient"],
    ["server login has been failing, try again later (server_login_retry)", "POOLER_NO_SERVER", "transient"],
    [
      "server login has been failing, cached error: connect failed (server_login_retry)",
      "POOLER_NO_SERVER",
      "transient",
    ],
    ["client_login_timeout", "POOLER_NO_SERVER", "transient"],
    ["client_login_timeout (server down)", "POOLER_NO_SERVER", "transient"],
    ['database "shop" is disabled', "POOLER_NO_SERVER", "transient"],
    ["no more connections allowed (max_client_conn)", "53300", "transient"],
    ["sorry, too many clients already", "53300", "transient"],
    ["remaining connection slots are reserved for non-replication superuser connections", "53300", "transient"],
    ['too many connections for role "shop"', "53300", "transient"],
    ["the database system is starting up", "57P03", "transient"],
    ["the database system is shutting down", "57P03", "transient"],
    ["no such database: shop", "3D000", "misconfigured"],
    ['database "shop" does not exist', "3D000", "misconfigured"],
    ["SASL authentication failed", "28P01", "misconfigured"],
    ["password authentication failed", "28P01", "misconfigured"],
    ['password authentication failed for user "shop"', "28P01", "misconfigured"],
    ["no such user", "28000", "misconfigured"],
    ['role "shop" does not exist', "28000", "misconfigured"],
    ['role "shop" is not permitted to log in', "28000", "misconfigured"],
    ['no pg_hba.conf entry for host "127.0.0.1", user "shop"', "28000", "misconfigured"],
    ["bouncer config error", "POOLER_MISCONFIGURED", "misconfigured"],
    ["unsupported startup parameter: options", "POOLER_MISCONFIGURED", "misconfigured"],
    ["server conn crashed?", "POOLER_ENDED", "lost"],
    ["whatever the next version says", "08P01", "lost"],
  ])("to be told %p is %s and means %s", (message, code, kind) => {
    const error = connectError(said(message), "pooler:6432");
    expect([error.reason, classifyConnectFailure(error.reason ?? "")]).toEqual([code, kind]);
    expect(error.message).toBe(`Cannot connect to pooler:6432: ${message} (${code})`);
    expect(error.outcome).toBe("not-executed");
  });

  test.each([
    ["query_wait_timeout", "not-executed"],
    ["server login has been failing, try again later (server_login_retry)", "not-executed"],
    ["server login has been failing, cached error: connect failed (server_login_retry)", "not-executed"],
    ["client_idle_timeout", "not-executed"],
    ["invalid server parameter", "not-executed"],
    ["idle transaction timeout", "not-executed"],
    ["query timeout", "unknown"],
    ["server conn crashed?", "unknown"],
    ["database removed", "unknown"],
    ["whatever the next version says", "unknown"],
  ] as const)("a statement that was sent and ends with %p has the outcome %s", (message, outcome) => {
    const error = statementError(said(message), true);
    expect(error).toMatchObject({ code: "DATABASE_UNAVAILABLE", outcome, isLostConnection: true });
  });

  /** As a later PgBouncer repeats a server's refusal to those that wait for a server. */
  const repeated = (code: string) => ({ code, severity: "FATAL", severity_local: "FATAL", message: "of the server" });

  test.each([
    ["53300", "not-executed"],
    ["28000", "not-executed"],
    ["28P01", "not-executed"],
    ["3D000", "not-executed"],
    ["57P01", "unknown"],
    ["57P02", "unknown"],
    ["57P03", "unknown"],
    ["42501", "unknown"],
  ] as const)("a statement that was sent and ends with the server's FATAL %s has the outcome %s", (code, outcome) => {
    const error = statementError(repeated(code), true);
    expect(error).toMatchObject({ code: "DATABASE_UNAVAILABLE", reason: code, outcome, isLostConnection: true });
    // As it is read from the last bytes of a closed connection.
    expect(lostError({ code, message: "of the server" }, true)).toMatchObject({ reason: code, outcome });
  });

  test("a refused login proves nothing where a server's routine says it, or where it ends no session", () => {
    expect(readPoolerWord({ ...repeated("53300"), routine: "InitProcess" })).toBeUndefined();
    expect(readPoolerWord({ ...repeated("53300"), severity: "ERROR" })).toBeUndefined();
    const raised = statementError({ ...repeated("53300"), severity: "ERROR" }, true);
    expect(raised).toMatchObject({ outcome: "rolled-back", isLostConnection: false });
  });

  test("a server's own error with the same code and words is none", () => {
    const ofServer = { ...said("query_wait_timeout"), severity: "FATAL", routine: "ProcessStartupPacket" };
    expect(readPoolerWord(ofServer)).toBeUndefined();
    expect(statementError(ofServer, true)).toMatchObject({ reason: "08P01", outcome: "unknown" });
  });
});
