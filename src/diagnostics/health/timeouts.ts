import { sqlName } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { listed, manual, psql } from "./words.ts";

export interface TimeoutRow {
  readonly name: string;
  /** In milliseconds; 0 is none. */
  readonly ms: number;
}

/** What is put up as a start where there is nothing. */
const PROPOSED = { statement_timeout: "5min", idle_in_transaction_session_timeout: "5min" } as const;

// Not the present value, which for this question is our own. transaction_timeout is new in 17 and bounds both others.
const QUESTION = `select name, reset_val::float8 as ms from pg_settings
  where name in ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout')`;

export const timeoutsCheck = healthCheck<readonly TimeoutRow[]>({
  ...TABLE.timeouts,
  about: "Whether the server by itself frees what a vanished client or a runaway statement holds.",
  look: ({ ask }) => ask<TimeoutRow>(QUESTION),
  judge(rows, scene) {
    const set = rows.filter(({ ms }) => ms > 0);
    const isBounded = set.some(({ name }) => name === "transaction_timeout");
    const missing = (["statement_timeout", "idle_in_transaction_session_timeout"] as const).filter((wanted) => {
      return !isBounded && !set.some(({ name }) => name === wanted);
    });
    if (missing.length === 0) {
      return { status: "pass", evidence: set.map(({ name, ms }) => `${name} is ${ms / 1000} s`).join(", ") };
    }
    const { user, database } = scene.subject.target;
    const role = sqlName(user);
    const statements = missing.map(
      (name) => `ALTER ROLE ${role} IN DATABASE ${sqlName(database)} SET ${name} = '${PROPOSED[name]}'`,
    );
    return {
      status: "warn",
      evidence: listed(missing.map((name) => `${name} is not set for ${user}`)),
      cause: `The server waits without limit for ${missing.map((name) => WHAT[name]).join(" and ")}, since ${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not set. Locks and connections of a client that has vanished are then kept for ever. The command sets a limit for new sessions of this role in this database: choose one above what its longest work takes, dumps and migrations included`,
      fix: psql(scene, statements),
      docs: manual("runtime-config-client.html#GUC-STATEMENT-TIMEOUT"),
    };
  },
});

const WHAT = {
  statement_timeout: "a statement",
  idle_in_transaction_session_timeout: "a client that has left its transaction open",
} as const;
