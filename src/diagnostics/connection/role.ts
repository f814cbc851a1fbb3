import { hasRole } from "../../database/role.ts";
import type { Check } from "../check.ts";

/** Whether the server is of the kind that target-session-attrs asks for. */
export const roleCheck: Check = {
  id: "role",
  title: "Server role",
  group: "connection",
  needs: ["query"],
  async run(context) {
    const { targetSessionAttrs: wanted } = context.subject.target;
    const { facts } = await context.session.connection(context);
    const evidence = `${facts.isStandby ? "a standby" : "a primary"}, ${facts.isReadOnly ? "read-only" : "takes writes"}`;
    if (hasRole(facts, wanted)) return { status: "pass", evidence };
    const cause = `The server is ${evidence}, but target-session-attrs=${wanted} asks for another. Another host has the role now, or the setting is not meant for this server`;
    return {
      status: "fail",
      evidence,
      cause,
      fix: [{ os: "any", command: "deby check --target-session-attrs any" }],
      docs: "https://www.postgresql.org/docs/current/libpq-connect.html",
    };
  },
};
