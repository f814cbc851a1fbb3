import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { connectFinding } from "./connect-finding.ts";
import { eachHost } from "./each-host.ts";

/** Whether the server lets the user in; what it says before it has looked at the database belongs here too. */
export const authCheck: Check = {
  id: "auth",
  title: "Authentication",
  group: "connection",
  about:
    "Whether the server lets the user in: password, role, pg_hba.conf, and whether it takes connections at all just now.",
  needs: ["tls"],
  run: (context) => eachHost(context, (progress) => logIn(progress, context)),
};

async function logIn(progress: HostProgress, context: CheckContext): Promise<Finding> {
  const { failure } = await context.session.opened(progress, context);
  // It has greeted us as PostgreSQL does: silence or a hang-up is about the login by now.
  const isHere = failure?.step === "auth" || failure?.step === "protocol";
  if (isHere) return connectFinding(failure, progress, context, { step: "auth" });
  return { status: "pass", evidence: `${context.subject.target.user} is let in` };
}
