import { ask } from "../ask.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { connectFinding } from "./connect-finding.ts";
import { eachHost } from "./each-host.ts";

/** Whether the database exists and may be connected to. */
export const databaseCheck: Check = {
  id: "database",
  title: "Database",
  group: "connection",
  about: "Whether the database exists and the role may connect to it; where it does not exist, which ones do.",
  needs: ["auth"],
  run: (context) => eachHost(context, (progress) => find(progress, context)),
};

async function find(progress: HostProgress, context: CheckContext): Promise<Finding> {
  const { failure } = await context.session.opened(progress, context);
  if (failure === undefined) return { status: "pass", evidence: `${context.subject.target.database} is there` };
  const databases = failure.code === "3D000" ? await otherDatabases(progress, context) : undefined;
  return connectFinding(failure, progress, context, { databases });
}

/** Which databases this user could connect to instead; undefined where that cannot be asked. */
async function otherDatabases({ host }: HostProgress, context: CheckContext): Promise<string[] | undefined> {
  const { connection } = await context.session.open(host, "postgres", context);
  if (connection === undefined) return undefined;
  try {
    const question = `select datname as name from pg_database
      where datallowconn and not datistemplate and has_database_privilege(oid, 'CONNECT') order by datname`;
    const rows = await ask<{ name: string }>(connection, question, context);
    return rows.map(({ name }) => name);
  } catch {
    return undefined;
  } finally {
    await connection.close();
  }
}
