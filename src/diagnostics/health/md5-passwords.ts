import { sqlName } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, listed, manual, psql } from "./words.ts";

export interface Md5Facts {
  /** Undefined where the role may not read how passwords are kept. */
  readonly roles: readonly string[] | undefined;
}

const QUESTION = "SELECT rolname FROM pg_authid WHERE rolpassword LIKE 'md5%' ORDER BY rolname";

export const md5PasswordsCheck = healthCheck<Md5Facts>({
  ...TABLE.md5Passwords,
  about: "Passwords kept in a form that can be guessed fast and used as it stands. Only a superuser may look.",
  async look({ ask }) {
    const [row] = await ask<{ mayRead: boolean }>(`select has_table_privilege('pg_authid', 'select') as "mayRead"`);
    if (!row?.mayRead) return { roles: undefined };
    return { roles: (await ask<{ rolname: string }>(QUESTION)).map(({ rolname }) => rolname) };
  },
  judge({ roles }, scene) {
    const docs = manual("auth-password.html");
    if (roles === undefined) {
      const evidence = "only a superuser may read how passwords are kept";
      return { status: "skip", evidence, cause: `${evidence}; ask as one`, fix: psql(scene, QUESTION), docs };
    }
    const [first] = roles;
    if (first === undefined) return { status: "pass", evidence: "no password is kept as MD5" };
    return {
      status: "warn",
      evidence: listed(roles.map((role) => `the password of ${role} is kept as MD5`)),
      cause: `${count(roles.length, "password is", "passwords are")} kept as MD5, such as that of ${first}. Whoever gets a copy can log in with it, and support for it is ending. The command keeps new passwords as SCRAM, and asks for a new one of ${first}, which its programs need then`,
      fix: psql(scene, [
        "ALTER SYSTEM SET password_encryption = 'scram-sha-256'",
        "SELECT pg_reload_conf()",
        `\\password ${sqlName(first)}`,
      ]),
      docs,
    };
  },
});
