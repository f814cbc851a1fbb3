import type { Connection } from "../../database/connection.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import { remedyFor } from "../remedies.ts";
import { eachConnection } from "./each-host.ts";

/** Whether a pooler stands between us and the server. */
export const poolerCheck: Check = {
  id: "pooler",
  title: "Pooler",
  group: "connection",
  about:
    "Whether PgBouncer or another pooler stands in between: then sessions change their server process, named prepared " +
    "statements may not be there any more, and the server's connections are the pooler's.",
  needs: ["query"],
  run: (context) => eachConnection(context, async (connection) => describe(connection, context)),
};

function describe({ backend }: Connection, { subject }: CheckContext): Finding {
  if (backend.isDirect) return { status: "pass", evidence: "none, this is the server itself" };
  if (subject.isEmbedded) return { status: "pass", evidence: "none; the embedded database is one session for all" };
  const evidence = "a pooler in between, PgBouncer or one like it";
  const prepare = subject.settings.find(({ name }) => name === "prepare")?.value;
  if (prepare !== "on") return { status: "pass", evidence: `${evidence}; no named prepared statements over it` };
  return { status: "warn", evidence, ...remedyFor({ code: "PREPARE_ON", message: "prepare=on" }, subject) };
}
