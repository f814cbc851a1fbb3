import { ask } from "../ask.ts";
import type { Check, CheckContext } from "../check.ts";
import { connectFinding } from "./connect-finding.ts";

/** Whether the database exists and may be connected to. */
export const databaseCheck: Check = {
  id: "database",
  title: "Database",
  group: "connection",
  needs: ["auth"],
  async run(context) {
    const { failure } = await context.session.opened(context);
    if (failure === undefined) return { status: "pass", evidence: `${context.subject.target.database} is there` };
    const databases = failure.code === "3D000" ? await otherDatabases(context) : undefined;
    return connectFinding(failure, context, { databases });
  },
};

/** Which databases this user could connect to instead; undefined where that cannot be asked. */
async function otherDatabases(context: CheckContext): Promise<string[] | undefined> {
  const { connection } = await context.session.open({ ...context.subject.target, database: "postgres" }, context);
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
