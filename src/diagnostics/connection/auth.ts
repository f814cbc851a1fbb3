import type { Check } from "../check.ts";
import { connectFinding } from "./connect-finding.ts";

/** Whether the server lets the user in; what it says before it has looked at the database belongs here too. */
export const authCheck: Check = {
  id: "auth",
  title: "Authentication",
  group: "connection",
  needs: ["tls"],
  async run(context) {
    const { failure } = await context.session.opened(context);
    if (failure?.step === "auth") return connectFinding(failure, context);
    return { status: "pass", evidence: `${context.subject.target.user} is let in` };
  },
};
