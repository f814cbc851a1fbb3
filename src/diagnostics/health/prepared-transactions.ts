import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, psql, spell, sqlString } from "./words.ts";

export interface PreparedRow {
  readonly gid: string;
  readonly owner: string;
  readonly database: string;
  readonly seconds: number;
}

const QUESTION = `select gid, owner, database,
    greatest(0, extract(epoch from clock_timestamp() - prepared))::float8 as seconds
  from pg_prepared_xacts order by prepared`;

export const preparedTransactionsCheck = healthCheck<readonly PreparedRow[]>({
  ...TABLE.preparedTransactions,
  about: "Transactions between the two phases of their commit: without a session, and with all their locks.",
  isPrimarys: true,
  look: ({ ask }) => ask<PreparedRow>(QUESTION),
  judge(rows, scene) {
    const late = rows.filter(({ seconds }) => grade(seconds, scene.limits) !== "pass");
    const [worst] = late;
    if (worst === undefined) {
      const evidence =
        rows.length === 0 ? "no transaction is prepared" : `${count(rows.length, "prepared")}, none for long`;
      return { status: "pass", evidence };
    }
    const facts = late.map(({ gid, owner, database, seconds }) => {
      return `${gid} of ${owner} in ${database} is prepared since ${spell(seconds)}`;
    });
    return {
      status: "warn",
      evidence: listed(facts),
      cause: `The prepared transaction ${worst.gid} has waited ${spell(worst.seconds)} for its COMMIT. It keeps its locks, also through a restart, and rows that others delete cannot be cleaned up. Only whoever prepared it knows whether it is COMMIT PREPARED or ROLLBACK PREPARED ${sqlString(worst.gid)} that ends it, in the database ${worst.database}. The command shows what is prepared, and changes nothing`,
      fix: psql(scene, "SELECT gid, prepared, owner, database FROM pg_prepared_xacts ORDER BY prepared"),
      docs: manual("sql-prepare-transaction.html"),
    };
  },
});
