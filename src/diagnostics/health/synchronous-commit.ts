import { sqlName } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { manual, psql } from "./words.ts";

export interface SynchronousCommitRow {
  readonly setting: string;
  /** Where the session has it from: `user`, `database`, `configuration file` and so on. */
  readonly source: string;
}

const QUESTION = "select reset_val as setting, source from pg_settings where name = 'synchronous_commit'";

export const synchronousCommitCheck = healthCheck<SynchronousCommitRow | undefined>({
  ...TABLE.synchronousCommit,
  about: "Whether what was acknowledged outlives a crash of the server.",
  look: async ({ ask }) => (await ask<SynchronousCommitRow>(QUESTION))[0],
  judge(row, scene) {
    if (row?.setting !== "off") return { status: "pass", evidence: `synchronous_commit is ${row?.setting ?? "on"}` };
    const { user, database } = scene.subject.target;
    const resets: Readonly<Record<string, string>> = {
      user: `ALTER ROLE ${sqlName(user)} RESET synchronous_commit`,
      database: `ALTER DATABASE ${sqlName(database)} RESET synchronous_commit`,
      "database user": `ALTER ROLE ${sqlName(user)} IN DATABASE ${sqlName(database)} RESET synchronous_commit`,
    };
    const reset = resets[row.source] ?? ["ALTER SYSTEM SET synchronous_commit = on", "SELECT pg_reload_conf()"];
    return {
      status: "warn",
      evidence: `synchronous_commit is off (${row.source})`,
      cause:
        "A crash of the server loses the last writes although they were acknowledged, since synchronous_commit is off. The database stays whole; up to some 600 ms of writes are gone. The command makes every COMMIT of new sessions wait for the disk",
      fix: psql(scene, reset),
      docs: manual("wal-async-commit.html"),
    };
  },
});
