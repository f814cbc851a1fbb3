import { ImpossibleScenario } from "../impossible-scenario.ts";
import type { Scenario } from "../scenario.ts";
import type { RunSql, Target } from "../target.ts";
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
  async undo(target) {
    const { sql, sqlWords } = target;
    if (sql === undefined || sqlWords === undefined) return [];
    await requireWayBack(target);
    const { user } = target.endpoint;
    return [sqlWords(letIn(user, await readValidUntil(sql, user)))];
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

/** Whoever heals logs in as the very role whose password is no good by then. @throws ImpossibleScenario */
async function requireWayBack({ wantsPassword, description, endpoint: { user } }: Target): Promise<void> {
  const why = await wantsPassword?.();
  if (why === undefined) return;
  throw new ImpossibleScenario(
    `The scenario wrong-password is refused, and nothing was touched: ${user} could not log in any more to heal it, since ` +
      `the server's own socket asks for a password, too (${description}: ${why}). ` +
      `Let it in there without one (in pg_hba.conf: local all ${user} trust, then: select pg_reload_conf()), ` +
      "or take another scenario",
  );
}

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
