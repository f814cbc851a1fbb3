/** What a pooler said of itself, or in the name of the server that it could not log in to. */
export interface PoolerWord {
  /** The SQLSTATE that PostgreSQL has for it, where it has one. */
  readonly code: string;
  /** The pooler had no server for the session at that moment, or had not read on: a statement on its way has not run. */
  readonly isUnsent: boolean;
}

/** Source: SQLSTATE protocol_violation, which PgBouncer gives to everything it says. */
const POOLER_CODE = "08P01";

const NO_SERVER = "POOLER_NO_SERVER";
const MISCONFIGURED = "POOLER_MISCONFIGURED";
const ENDED = "POOLER_ENDED";

/** Source: PgBouncer 1.18; what follows the first group is the server's, which PgBouncer repeats under its own code. */
const WORDS: readonly (readonly [RegExp, PoolerWord])[] = [
  [/^query_wait_timeout$/, { code: NO_SERVER, isUnsent: true }],
  [/^server login has been failing, try again later/, { code: NO_SERVER, isUnsent: true }],
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
 * Reads what a pooler says. It has one code for everything, so that here alone the words count; they are its own, which
 * no server can be mistaken for: a server's errors name the routine that they come from. Undefined for all others.
 */
export function readPoolerWord(error: unknown): PoolerWord | undefined {
  const { code, message, routine } = (error ?? {}) as { code?: unknown; message?: unknown; routine?: unknown };
  if (code !== POOLER_CODE || routine !== undefined || typeof message !== "string") return undefined;
  return WORDS.find(([words]) => words.test(message))?.[1];
}
