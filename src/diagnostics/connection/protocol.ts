import type { Check } from "../check.ts";
import { connectFinding } from "./connect-finding.ts";

/** Whether what listens answers like PostgreSQL. A port that stays mute has failed. */
export const protocolCheck: Check = {
  id: "protocol",
  title: "PostgreSQL protocol",
  group: "connection",
  needs: ["tcp"],
  async run(context) {
    const { connection, failure } = await context.session.opened(context);
    if (failure?.step === "protocol") return connectFinding(failure, context);
    const evidence = connection ? `${connection.facts.address} answers like PostgreSQL` : "it answers like PostgreSQL";
    return { status: "pass", evidence };
  },
};
