/** What began an outage, in few words, so that the series stay few whatever the server says. */
export const OUTAGE_KINDS = [
  "refused",
  "closed",
  "reset",
  "silent",
  "shutdown",
  "starting",
  "too_many_connections",
  "credentials",
  "missing_database",
  "tls",
  "dns",
  "network",
  "protocol",
  "pooler",
  "read_only",
  "other",
] as const;

export type OutageKind = (typeof OUTAGE_KINDS)[number];

/** By SQLSTATE, socket code, or code of our own, as a transition's reason has it. */
const KIND_OF_CODE: ReadonlyMap<string, OutageKind> = new Map([
  // Nobody listens, on the port or at the Unix socket's path.
  ["ECONNREFUSED", "refused"],
  ["ENOENT", "refused"],
  ["CONNECTION_CLOSED", "closed"],
  ["CONNECTION_ENDED", "closed"],
  ["EPIPE", "closed"],
  ["08006", "closed"],
  ["57P05", "closed"],
  ["ECONNRESET", "reset"],
  ["ECONNABORTED", "reset"],
  ["ETIMEDOUT", "silent"],
  ["CONNECT_TIMEOUT", "silent"],
  ["UNANSWERED", "silent"],
  ["DEADLINE", "silent"],
  ["DEADLINE_EXCEEDED", "silent"],
  ["57P01", "shutdown"],
  ["57P02", "shutdown"],
  ["57P03", "starting"],
  ["53300", "too_many_connections"],
  ["28P01", "credentials"],
  ["28000", "credentials"],
  ["42501", "credentials"],
  ["SASL_SIGNATURE_MISMATCH", "credentials"],
  ["EACCES", "credentials"],
  ["3D000", "missing_database"],
  ["57P04", "missing_database"],
  ["TLS_REFUSED", "tls"],
  ["TLS_FAILED", "tls"],
  ["ENOTFOUND", "dns"],
  ["EAI_AGAIN", "dns"],
  ["EHOSTUNREACH", "network"],
  ["EHOSTDOWN", "network"],
  ["ENETUNREACH", "network"],
  ["ENETDOWN", "network"],
  ["EADDRNOTAVAIL", "network"],
  ["PROTOCOL", "protocol"],
  ["08P01", "protocol"],
  ["POOLER_NO_SERVER", "pooler"],
  ["POOLER_ENDED", "pooler"],
  ["POOLER_MISCONFIGURED", "pooler"],
  ["READ_ONLY", "read_only"],
  ["25006", "read_only"],
]);

export function outageKind(code: string): OutageKind {
  return KIND_OF_CODE.get(code) ?? "other";
}
