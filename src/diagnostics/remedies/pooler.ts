import { onEverySystem } from "../shell.ts";
import { anywhere, type Remedy, type Situation } from "./trouble.ts";

const DOCS = "https://www.pgbouncer.org/config.html";

/** A pooler answers in the place of the server, which it cannot reach or may not use. */
export function noServerBehindPooler(situation: Situation): Remedy {
  const cause = `${saidBy(situation)}. It takes connections, but has none to PostgreSQL to give: PostgreSQL is away, refuses the pooler, or is too busy; the pooler's log tells which`;
  return {
    cause,
    fix: [consoleCommand(situation, "SHOW SERVERS"), consoleCommand(situation, "SHOW POOLS")],
    docs: DOCS,
  };
}

export function misconfiguredPooler(situation: Situation): Remedy {
  const cause = `${saidBy(situation)}. Its own configuration does not fit: database, user, or how it authenticates; its log tells more`;
  return { cause, fix: [consoleCommand(situation, "SHOW DATABASES")], docs: DOCS };
}

/** The server may well have the database. */
export function unknownToPooler(situation: Situation): Remedy {
  const { label, subject } = situation;
  const cause = `The pooler at ${label} does not know the database ${subject.target.database}. It is misspelt, or missing in the section [databases] of pgbouncer.ini`;
  return { cause, fix: [consoleCommand(situation, "SHOW DATABASES"), consoleCommand(situation, "RELOAD")], docs: DOCS };
}

export function unanswered(situation: Situation): Remedy {
  const cause = `${situation.label} lets us in and answers nothing then. A pooler does so while PostgreSQL is away, or while all its servers are at work; without one, PostgreSQL hangs: its log tells more`;
  return { cause, fix: [consoleCommand(situation, "SHOW POOLS")], docs: DOCS };
}

export function namedBehindPooler({ subject }: Situation): Remedy {
  const cause =
    "prepare=on names prepared statements, and a pooler stands in between. In transaction mode PgBouncer carries them only from 1.21 on, with max_prepared_statements above 0; prepare=auto does without them here";
  return { cause, fix: onEverySystem(subject.os, () => "deby serve --prepare auto"), docs: DOCS };
}

function saidBy({ label, trouble }: Situation): string {
  return `A pooler answers at ${label}, and says: ${trouble.message}`;
}

/** Its administrators' console is a database of its own. */
function consoleCommand({ at }: Situation, command: string) {
  return anywhere("psql", "-h", at.host, "-p", String(at.port), "-d", "pgbouncer", "-c", command);
}
