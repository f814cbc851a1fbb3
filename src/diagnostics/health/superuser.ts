import { sqlName } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { manual, psql } from "./words.ts";

export interface RoleRow {
  readonly isSuperuser: boolean;
}

const QUESTION = `select rolsuper as "isSuperuser" from pg_roles where rolname = current_user`;

export const superuserCheck = healthCheck<RoleRow | undefined>({
  ...TABLE.superuser,
  about: "Whether a hole in the application is a hole in the whole server.",
  look: async ({ ask }) => (await ask<RoleRow>(QUESTION))[0],
  judge(row, scene) {
    const { user, database } = scene.subject.target;
    if (!row?.isSuperuser) return { status: "pass", evidence: `${user} is no superuser` };
    const name = user === "app" ? "app_user" : "app";
    return {
      status: "warn",
      evidence: `${user} is a superuser`,
      cause: `The application connects as the superuser ${user}. Whoever gets at it reads and changes every database and runs programs on the server; it also takes the connections that are kept for a rescue. The command makes a role, asks for its password, and lets it read and write the tables of the schema public: connect with --db-user ${name}`,
      fix: psql(scene, [
        `CREATE ROLE ${name} LOGIN`,
        `\\password ${name}`,
        `GRANT CONNECT ON DATABASE ${sqlName(database)} TO ${name}`,
        `GRANT USAGE ON SCHEMA public TO ${name}`,
        `GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${name}`,
        `GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ${name}`,
      ]),
      docs: manual("role-attributes.html"),
    };
  },
});
