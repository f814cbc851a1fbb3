import { commandLine, onEverySystem, sqlName } from "../shell.ts";
import { anywhere, askReadiness, asSuperuser, makeRemedy, type Remedy, type Situation } from "./trouble.ts";

export function wrongPassword(situation: Situation): Remedy {
  const { target, settings } = situation.subject;
  const setting = settings.find(({ name }) => name === "db-password");
  const from = setting?.from || "the configuration";
  const fact =
    target.password === undefined
      ? `The server asks ${target.user} for a password, and none is configured`
      : `The server refuses ${target.user} with the password from ${from}`;
  const cause = `${fact}. It is wrong, or there is no such role: servers that ask for a password tell both alike. A Docker volume keeps the password that it was made with, whatever POSTGRES_PASSWORD says later`;
  const sql = `ALTER USER ${sqlName(target.user)} WITH PASSWORD 'new-password'`;
  const inDocker = anywhere("docker", "exec", "NAME", "psql", "-U", "postgres", "-c", sql);
  return makeRemedy(cause, [...asSuperuser(situation, sql), inDocker], "auth-password.html");
}

export function notAuthorized(situation: Situation): Remedy {
  const { user } = situation.subject.target;
  const cause = `The server refuses ${user} by a rule in pg_hba.conf. It says: ${situation.trouble.message}`;
  return makeRemedy(
    cause,
    asSuperuser(situation, "SELECT * FROM pg_hba_file_rules"),
    "client-authentication-problems.html",
  );
}

export function noHbaEntry({ trouble, subject, at }: Situation): Remedy {
  const { user, database, sslmode } = subject.target;
  const client = /host "([0-9a-fA-F.:]+)"/.exec(trouble.message)?.[1] ?? "ADDRESS";
  const isPlain = sslmode === "disable" || sslmode === "allow";
  // Where it is known what the server offers, it offers TLS or there is nothing to hint at.
  const mayEncrypt = isPlain && (trouble.step === undefined || trouble.certificate !== undefined);
  const hint = mayEncrypt ? "; if only lines for TLS (hostssl) fit, --db-sslmode require is the way" : "";
  const cause = `pg_hba.conf does not let ${user} from ${client} into ${database}. It lists who may come from where; a line for this is missing, or an earlier one rejects${hint}`;
  const bits = client.includes(":") ? 128 : 32;
  const line = `host ${sqlName(database)} ${sqlName(user)} ${client}/${bits} scram-sha-256`;
  const fix = onEverySystem(subject.os, (os) => {
    if (os === "windows") return `echo ${line} >> "C:\\Program Files\\PostgreSQL\\18\\data\\pg_hba.conf"`;
    const psql = `${os === "linux" ? "sudo -u postgres psql" : "psql -d postgres"} -p ${at.port}`;
    const append = os === "linux" ? "sudo tee -a" : "tee -a";
    return [
      `${commandLine(os, ["echo", line])} | ${append} "$(${psql} -tAc 'SHOW hba_file')"`,
      `${psql} -c 'SELECT pg_reload_conf()'`,
    ];
  });
  return makeRemedy(cause, fix, "auth-pg-hba-conf.html");
}

export function noLogin(situation: Situation): Remedy {
  const { user } = situation.subject.target;
  const cause = `The role ${user} may not log in. It was made with NOLOGIN, as a group`;
  return makeRemedy(cause, asSuperuser(situation, `ALTER ROLE ${sqlName(user)} LOGIN`), "database-roles.html");
}

export function noRole(situation: Situation): Remedy {
  const { user, database } = situation.subject.target;
  const cause = `The role ${user} does not exist. It is misspelt, or was never made on this server`;
  const create = `CREATE USER ${sqlName(user)} WITH PASSWORD 'new-password'`;
  const grant = `GRANT CONNECT ON DATABASE ${sqlName(database)} TO ${sqlName(user)}`;
  return makeRemedy(cause, asSuperuser(situation, create, grant), "database-roles.html");
}

export function noDatabase(situation: Situation): Remedy {
  const { user, database } = situation.subject.target;
  const { databases } = situation.trouble;
  const others = databases === undefined ? "" : `; this server has ${databases.join(", ") || "none"}`;
  const cause = `The database ${database} does not exist. It is misspelt, or was never made${others}`;
  const owner = user === "postgres" ? "" : ` OWNER ${sqlName(user)}`;
  const { host, port } = situation.at;
  const fix = onEverySystem(situation.subject.os, (os) =>
    commandLine(os, [
      ...["psql", "-h", host, "-p", String(port), "-U", "postgres"],
      ...["-c", `CREATE DATABASE ${sqlName(database)}${owner}`],
    ]),
  );
  return makeRemedy(cause, fix, "manage-ag-createdb.html");
}

export function noPrivilege(situation: Situation): Remedy {
  const { user, database } = situation.subject.target;
  const cause = `The role ${user} may not connect to ${database}. It lacks the CONNECT privilege`;
  const grant = `GRANT CONNECT ON DATABASE ${sqlName(database)} TO ${sqlName(user)}`;
  return makeRemedy(cause, asSuperuser(situation, grant), "ddl-priv.html");
}

export function tooManyConnections(situation: Situation): Remedy {
  const { trouble } = situation;
  const cause = `The server has no connection left. It says: ${trouble.message}; whoever holds the most has to let go, or max_connections has to grow`;
  const holders = "SELECT usename, application_name, count(*) FROM pg_stat_activity GROUP BY 1, 2";
  return makeRemedy(cause, asSuperuser(situation, holders), "runtime-config-connection.html");
}

export function notReady(situation: Situation): Remedy {
  const cause = `The server runs but does not accept connections now. It says: ${situation.trouble.message}; starting, recovering and shutting down take their time: wait`;
  return makeRemedy(cause, askReadiness(situation), "server-start.html");
}

/** Anything else that a server may say. */
export function refused(situation: Situation): Remedy {
  const { code, message } = situation.trouble;
  return makeRemedy(`The connection was refused with ${code}. The words are: ${message}`, [], "errcodes-appendix.html");
}
