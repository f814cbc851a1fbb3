import type { Connection } from "../../database/connection.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import { onEverySystem } from "../shell.ts";
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
  const cause = `prepare=on names prepared statements, and a pooler stands in between. In transaction mode PgBouncer carries them only from 1.21 on, with max_prepared_statements above 0; prepare=auto does without them here`;
  return {
    status: "warn",
    evidence,
    cause,
    fix: onEverySystem(subject.os, () => "deby serve --prepare auto"),
    docs: "https://www.pgbouncer.org/config.html#max_prepared_statements",
  };
}
