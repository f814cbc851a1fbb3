import { healthCheck } from "./health-check.ts";
import { hiddenSessions, nameOf, type SessionRow, sessionsQuestion, split } from "./sessions.ts";
import { TABLE } from "./table.ts";
import { count, excerpt, grade, listed, manual, psql, spell, sqlString } from "./words.ts";

// Those that wait for a lock are told by the check of blocked sessions, which names the culprit.
const QUESTION = sessionsQuestion("query_start", "state = 'active' and wait_event_type is distinct from 'Lock'");

export const longQueryCheck = healthCheck<readonly SessionRow[]>({
  ...TABLE.longQuery,
  about: "Statements that have been at work for long, those that wait for a lock left aside.",
  look: ({ ask }) => ask<SessionRow>(QUESTION),
  judge(rows, scene) {
    const { seen, hidden } = split(rows);
    const late = seen.filter(({ seconds }) => grade(seconds, scene.limits) !== "pass");
    const [worst] = late;
    if (worst === undefined) {
      if (hidden > 0) return hiddenSessions(hidden, scene);
      return { status: "pass", evidence: `${count(seen.length, "session")} at work, none for long` };
    }
    const facts = late.map((row) => `${nameOf(row)} is at work for ${spell(row.seconds)}: ${excerpt(row.query)}`);
    const cancel = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = ${worst.pid} AND state = 'active' AND query_start = ${sqlString(worst.startedAt)}`;
    return {
      status: grade(worst.seconds, scene.limits),
      evidence: listed(facts),
      cause: `${nameOf(worst)} has run one statement for ${spell(worst.seconds)}. A missing index or a forgotten report is the usual reason; EXPLAIN tells. The command cancels that statement if it is still the same: its transaction is undone, the session stays`,
      fix: psql(scene, cancel),
      docs: manual("functions-admin.html#FUNCTIONS-ADMIN-SIGNAL"),
    };
  },
});
