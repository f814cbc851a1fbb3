import type { Scenario } from "../scenario.ts";
import type { RunSql } from "../target.ts";
import { tryLogin } from "../try-login.ts";
import { OUTAGE, refusal } from "./objectives.ts";

/**
 * A password that was changed without telling the service, and sessions that are ended so that it matters. It is made
 * to expire, for which the server says the same (28P01), so that nobody has to keep the old one to heal it.
 */
export const wrongPassword: Scenario = {
  name: "wrong-password",
  summary: "the password is not valid any more (28P01) and every session is ended; then it is valid again",
  slos: OUTAGE,
  slosFor: ({ retryIntervalMs }) => refusal(retryIntervalMs),
  needs: ["sql"],
  async undo({ sql, sqlWords, endpoint: { user } }) {
    return sql && sqlWords ? [sqlWords(letIn(user, await readValidUntil(sql, user)))] : [];
  },
  bind({ sql, endpoint }) {
    if (sql === undefined) return undefined;
    const role = quoteIdentifier(endpoint.user);
    let validUntil = "infinity";
    return {
      offersSessions: true,
      async inject() {
        validUntil = await readValidUntil(sql, endpoint.user);
        await sql(`alter role ${role} valid until '2000-01-01'`, endSessions(endpoint.user));
      },
      async contradiction() {
        const answer = await tryLogin(endpoint);
        return answer === "28P01" ? undefined : `logging in ends with ${answer}, not with 28P01`;
      },
      async heal() {
        await sql(letIn(endpoint.user, validUntil));
      },
    };
  },
};

function letIn(role: string, validUntil: string): string {
  return `alter role ${quoteIdentifier(role)} valid until ${quoteLiteral(validUntil)}`;
}

/** Until when the role's password is valid. */
async function readValidUntil(sql: RunSql, role: string): Promise<string> {
  return await sql(
    `select coalesce(rolvaliduntil::text, 'infinity') from pg_roles where rolname = ${quoteLiteral(role)}`,
  );
}

function endSessions(role: string): string {
  const whose = `usename = ${quoteLiteral(role)} and pid <> pg_backend_pid()`;
  return `select count(pg_terminate_backend(pid)) from pg_stat_activity where ${whose}`;
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
