import type { Check } from "../check.ts";
import { connectFinding } from "./connect-finding.ts";

/** Whether TLS could be agreed on as sslmode asks for it. */
export const tlsCheck: Check = {
  id: "tls",
  title: "TLS",
  group: "connection",
  needs: ["protocol"],
  async run(context) {
    const { connection, failure } = await context.session.opened(context);
    if (failure?.step === "tls") return connectFinding(failure, context);
    const asked = `sslmode=${context.subject.target.sslmode}`;
    if (connection === undefined) return { status: "pass", evidence: `nothing against ${asked}` };
    return { status: "pass", evidence: `${connection.tlsProtocol ?? "not encrypted"}, ${asked}` };
  },
};
