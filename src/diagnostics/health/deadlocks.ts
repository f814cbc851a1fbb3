import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, manual, psql, spell } from "./words.ts";

export interface DeadlockRow {
  readonly deadlocks: number;
  /** How long they have been counted, at least. */
  readonly seconds: number;
}

const QUESTION = `select deadlocks::float8 as deadlocks,
    extract(epoch from now() - coalesce(stats_reset, pg_postmaster_start_time()))::float8 as seconds
  from pg_stat_database where datname = current_database()`;

const DAY = 86_400;

export const deadlocksCheck = healthCheck<DeadlockRow | undefined>({
  ...TABLE.deadlocks,
  about: "Transactions that the server has undone because they waited for each other, since its counters began.",
  look: async ({ ask }) => (await ask<DeadlockRow>(QUESTION))[0],
  judge(row, scene) {
    if (row === undefined) throw new Error("The server has no counters of this database");
    const { deadlocks, seconds } = row;
    const evidence = `${count(deadlocks, "deadlock")} in the last ${spell(seconds)}`;
    if (grade(deadlocks / Math.max(1, seconds / DAY), scene.limits) === "pass") return { status: "pass", evidence };
    return {
      status: "warn",
      evidence,
      cause: `${count(deadlocks, "transaction was", "transactions were")} undone in the last ${spell(seconds)} to end a deadlock. They lock the same rows in different orders, and need one order; the server's log has the statements under "deadlock detected". The command lets it log every wait of over a second`,
      fix: psql(scene, ["ALTER SYSTEM SET log_lock_waits = on", "SELECT pg_reload_conf()"]),
      docs: manual("explicit-locking.html#LOCKING-DEADLOCKS"),
    };
  },
});
