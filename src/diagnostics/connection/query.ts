import type { Connection } from "../../database/connection.ts";
import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import { remedyFor } from "../remedies.ts";
import { eachConnection } from "./each-host.ts";

/** A round trip on the open connection, and the version of what answered. */
export const queryCheck: Check = {
  id: "query",
  title: "Query",
  group: "connection",
  about: "Whether a query is answered, and how long the way to the server and back takes.",
  needs: ["database"],
  run: (context) => eachConnection(context, (connection) => roundTrip(connection, context)),
};

async function roundTrip(connection: Connection, { subject, clock, deadlineAt }: CheckContext): Promise<Finding> {
  const startedAt = clock.now();
  try {
    await connection.control("select 1", deadlineAt);
  } catch (error) {
    const reason = reasonOf(error);
    return { status: "fail", evidence: describeReason(reason), ...remedyFor(reason, subject) };
  }
  const tookMs = (clock.now() - startedAt).toFixed(1);
  return { status: "pass", evidence: `PostgreSQL ${connection.facts.version} answers in ${tookMs} ms` };
}
