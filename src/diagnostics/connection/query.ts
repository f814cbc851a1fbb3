import { describeReason, reasonOf } from "../../database/sqlstate.ts";
import type { Check } from "../check.ts";

/** A round trip on the open connection, and the version of what answered. */
export const queryCheck: Check = {
  id: "query",
  title: "Query",
  group: "connection",
  needs: ["database"],
  async run(context) {
    const { clock, deadlineAt, session } = context;
    const connection = await session.connection(context);
    const startedAt = clock.now();
    try {
      await connection.control("select 1", deadlineAt);
    } catch (error) {
      const reason = describeReason(reasonOf(error));
      return { status: "fail", evidence: reason, cause: `The server let us in but did not answer a query. ${reason}` };
    }
    const roundTrip = (clock.now() - startedAt).toFixed(1);
    return { status: "pass", evidence: `PostgreSQL ${connection.facts.version} answers in ${roundTrip} ms` };
  },
};
