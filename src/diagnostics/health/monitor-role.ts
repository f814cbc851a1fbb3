import { sqlName } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { manual, psql } from "./words.ts";

export interface MonitorRoleRow {
  readonly mayLook: boolean;
}

// Superusers have every role's rights.
const QUESTION = `select pg_has_role('pg_read_all_stats', 'usage') as "mayLook"`;

export const monitorRoleCheck = healthCheck<MonitorRoleRow | undefined>({
  ...TABLE.monitorRole,
  about: "Whether these checks see more than their own role's sessions.",
  look: async ({ ask }) => (await ask<MonitorRoleRow>(QUESTION))[0],
  judge(row, scene) {
    const { user } = scene.subject.target;
    if (row?.mayLook) return { status: "pass", evidence: `${user} may see the sessions of all roles` };
    return {
      status: "warn",
      evidence: `${user} has not the rights of pg_monitor`,
      cause: `${user} is not a member of pg_monitor. It does not see what other roles' sessions do: which are idle in a transaction, run for long or block others, and how far standbys are behind. The command lets it read these statistics, and no table`,
      fix: psql(scene, `GRANT pg_monitor TO ${sqlName(user)}`),
      docs: manual("predefined-roles.html"),
    };
  },
});
