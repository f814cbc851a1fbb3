import { healthCheck } from "./health-check.ts";
import { hiddenSessions, nameOf, type SessionRow, sessionsQuestion, split } from "./sessions.ts";
import { TABLE } from "./table.ts";
import { count, excerpt, grade, listed, manual, psql, spell } from "./words.ts";

const QUESTION = sessionsQuestion("state_change", "state in ('idle in transaction', 'idle in transaction (aborted)')");

export const idleInTransactionCheck = healthCheck<readonly SessionRow[]>({
  ...TABLE.idleInTransaction,
  about:
    "Sessions that began a transaction and do nothing: they keep their locks, and dead rows from being cleaned up.",
  look: ({ ask }) => ask<SessionRow>(QUESTION),
  judge(rows, scene) {
    const { seen, hidden } = split(rows);
    const late = seen.filter(({ seconds }) => grade(seconds, scene.limits) !== "pass");
    const [worst] = late;
    if (worst === undefined) {
      if (hidden > 0) return hiddenSessions(hidden, scene);
      return { status: "pass", evidence: `${count(seen.length, "session")} idle in transaction, none for long` };
    }
    const facts = late.map((row) => `${nameOf(row)} is ${row.state} for ${spell(row.seconds)}: ${excerpt(row.query)}`);
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ${worst.pid} AND state LIKE 'idle in transaction%'`;
    return {
      status: grade(worst.seconds, scene.limits),
      evidence: listed(facts),
      cause: `${nameOf(worst)} has done nothing in its open transaction for ${spell(worst.seconds)}. Its locks stay, and rows that others delete cannot be cleaned up. The command ends that session if it is still idle: its transaction is rolled back, and its program gets an error`,
      fix: psql(scene, end),
      docs: manual("runtime-config-client.html"),
    };
  },
});
