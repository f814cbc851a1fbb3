/** What a pooler said of itself, or in the name of the server that it could not log in to. */
export interface PoolerWord {
  /** The SQLSTATE that PostgreSQL has for it, where it has one. */
  readonly code: string;
  /** The pooler had no server for the session at that moment, or had not read on: a statement on its way has not run. */
  readonly isUnsent: boolean;
}

/** Source: SQLSTATE protocol_violation, which PgBouncer gives to everything it says of its own. */
const POOLER_CODE = "08P01";

const NO_SERVER = "POOLER_NO_SERVER";
const MISCONFIGURED = "POOLER_MISCONFIGURED";
const ENDED = "POOLER_ENDED";

/** Source: PgBouncer 1.18; what follows the first group is the server's, which PgBouncer repeats under its own code. */
const WORDS: readonly (readonly [RegExp, PoolerWord])[] = [
  [/^query_wait_timeout$/, { code: NO_SERVER, isUnsent: true }],
  // A later one repeats the cause: `…, cached error: connect failed (server_login_retry)`.
  [/^server login has been failing, /, { code: NO_SERVER, isUnsent: true }],
  [/^client_login_timeout/, { code: NO_SERVER, isUnsent: true }],
  [/^no more connections allowed/, { code: "53300", isUnsent: true }],
  [/^database ".*" is disabled$/, { code: NO_SERVER, isUnsent: true }],
  [/^no such database\b/, { code: "3D000", isUnsent: true }],
  [/^(?:SASL|password|"trust"|certificate|PAM|LDAP) authentication failed$/, { code: "28P01", isUnsent: true }],
  [/^(?:no such user|unix socket login rejected|login rejected|TLS cert login)\b/, { code: "28000", isUnsent: true }],
  [/^(?:bouncer config error|unsupported startup parameter)/, { code: MISCONFIGURED, isUnsent: true }],
  // A server that ended while it was being told the session's settings: the statement would have come next.
  [/^invalid server parameter$/, { code: ENDED, isUnsent: true }],
  [/^(?:client_idle_timeout|idle transaction timeout)$/, { code: ENDED, isUnsent: true }],
  [/^(?:query timeout|server conn crashed\?|database removed)$/, { code: ENDED, isUnsent: false }],

  [/^password authentication failed for user /, { code: "28P01", isUnsent: true }],
  [/^role ".*" (?:does not exist|is not permitted to log in)$/, { code: "28000", isUnsent: true }],
  [/^(?:no pg_hba\.conf entry|pg_hba\.conf rejects) /, { code: "28000", isUnsent: true }],
  [/^database ".*" does not exist$/, { code: "3D000", isUnsent: true }],
  [/^permission denied for database /, { code: "42501", isUnsent: true }],
  [
    /^(?:sorry, too many clients already|remaining connection slots are reserved|too many connections for )/,
    { code: "53300", isUnsent: true },
  ],
  [/^the database system is /, { code: "57P03", isUnsent: true }],
];

/**
 * With these a server refuses to begin a session, and ends none that has begun; a pooler that says one has failed to log
 * in. A later PgBouncer gives the server's own code and words to the clients that wait for a server, and so have
 * none that could have run anything. 57P01 and 57P02 end sessions as well, in the middle of a statement; 57P03 and 42501
 * are left out, since PgBouncer keeps the one to itself, and the other is an ordinary statement's error, too.
 * Source: PgBouncer, server.c, kill_pool_logins_server_error; PostgreSQL, backend_startup.c, auth.c, postinit.c.
 */
const REFUSED_LOGINS: ReadonlySet<string> = new Set(["53300", "28000", "28P01", "3D000"]);

/**
 * Reads what a pooler says. It has one code for what is its own, so that here alone the words count, and repeats a
 * server's refusal to log in under the server's code. No server can be mistaken for it: a server's errors name the
 * routine that they come from. Undefined for all others.
 */
export function readPoolerWord(error: unknown): PoolerWord | undefined {
  const { code, message, routine, severity, severity_local } = (error ?? {}) as Readonly<Record<string, unknown>>;
  if (routine !== undefined || typeof code !== "string" || typeof message !== "string") return undefined;
  if (code === POOLER_CODE) return WORDS.find(([words]) => words.test(message))?.[1];
  // A farewell has no severity, and is always fatal.
  const isFatal = (severity ?? severity_local ?? "FATAL") === "FATAL";
  return isFatal && REFUSED_LOGINS.has(code) ? { code, isUnsent: true } : undefined;
}
