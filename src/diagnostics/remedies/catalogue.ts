import {
  badCertificate,
  expiredCertificate,
  noTls,
  notYetValidCertificate,
  untrustedCertificate,
  wrongName,
} from "./certificates.ts";
import { invalidSetting, unencodedPassword } from "./configuration.ts";
import {
  hangsUp,
  loginUnanswered,
  mute,
  nameNotFound,
  noSocketAccess,
  notListening,
  silent,
  somethingElse,
  unreachable,
} from "./network.ts";
import { misconfiguredPooler, namedBehindPooler, noServerBehindPooler, unanswered, unknownToPooler } from "./pooler.ts";
import {
  noDatabase,
  noHbaEntry,
  noLogin,
  noPrivilege,
  noRole,
  notAuthorized,
  notReady,
  tooManyConnections,
  wrongPassword,
} from "./refusals.ts";
import { endOfLife, twoPrimaries, wrongServer } from "./server.ts";
import type { Remedy, Situation, Trouble } from "./trouble.ts";

/** One trouble: how it is recognized, what it means, and how it is put right. */
export interface CatalogueEntry {
  readonly codes: readonly string[];
  /** Id of the check that comes across it. */
  readonly check: string;
  /** Which of several troubles with the same code it is; without it, all that are left. */
  readonly fits?: (trouble: Trouble) => boolean;
  /** In a few words, for those who read of it before it happens. */
  readonly means: string;
  readonly remedy: (situation: Situation) => Remedy;
  /** What is known beyond the code where it is recognized by more than that. */
  readonly example?: Partial<Trouble>;
  /** Default: a host on the network. */
  readonly exampleHost?: string;
}

/** How the TLS library says it, whichever certificate of the chain it is about. */
const UNTRUSTED = /SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET_ISSUER)|CERT_UNTRUSTED|INVALID_CA/;

const SOCKETS = "/var/run/postgresql";

/** Every trouble that has a name, the one place that check, the server's log and README take them from. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    codes: ["CONFIG_INVALID"],
    check: "config",
    fits: ({ message }) => message.includes("must be encoded"),
    means: "the password in the URL holds ? # / @ or % as they are",
    remedy: unencodedPassword,
    example: {
      message:
        'DATABASE_URL holds a password with characters that must be encoded: write "@" as %40, as in postgres://app:***@db.example.com/shop',
    },
  },
  {
    codes: ["CONFIG_INVALID"],
    check: "config",
    means: "a setting is refused: name, rule and value are told",
    remedy: invalidSetting,
    example: { message: "db-sslmode must be disable, allow, prefer, require, verify-ca or verify-full" },
  },
  {
    codes: ["ECONNREFUSED"],
    check: "tcp",
    means: "nothing listens there: PostgreSQL is not running, or on another address or port",
    remedy: notListening,
  },
  {
    codes: ["ENOENT"],
    check: "tcp",
    means: "there is no such Unix socket",
    remedy: notListening,
    exampleHost: SOCKETS,
  },
  {
    codes: ["EACCES", "EPERM"],
    check: "tcp",
    means: "this user may not use the Unix socket",
    remedy: noSocketAccess,
    exampleHost: SOCKETS,
  },
  {
    codes: ["ETIMEDOUT", "CONNECT_TIMEOUT"],
    check: "tcp",
    fits: ({ step }) => step === "tcp",
    means: "no answer at all: a firewall, a security group, a VPN that is off, a wrong host",
    remedy: unreachable,
    example: { step: "tcp" },
  },
  {
    codes: ["ETIMEDOUT", "CONNECT_TIMEOUT"],
    check: "protocol",
    fits: ({ step }) => step === "protocol",
    means: "accepts and stays mute: the server is frozen, or it is no PostgreSQL",
    remedy: mute,
    example: { step: "protocol" },
  },
  {
    codes: ["ETIMEDOUT", "CONNECT_TIMEOUT"],
    check: "auth",
    fits: ({ step }) => step === "auth",
    means: "answers, but not the login: the server is overloaded",
    remedy: loginUnanswered,
    example: { step: "auth" },
  },
  {
    codes: ["ETIMEDOUT", "CONNECT_TIMEOUT"],
    check: "query",
    means: "no answer in time: the server is frozen or cut off",
    remedy: silent,
  },
  {
    codes: ["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "EADDRNOTAVAIL"],
    check: "tcp",
    means: "no route there: the network or the VPN is down, or the host is wrong",
    remedy: unreachable,
  },
  { codes: ["ENOTFOUND", "EAI_AGAIN"], check: "dns", means: "the host name does not resolve", remedy: nameNotFound },
  {
    codes: ["CONNECTION_CLOSED", "ECONNRESET", "EPIPE", "CONNECTION_ENDED"],
    check: "protocol",
    means: "accepts and hangs up: a port proxy in front of a PostgreSQL that does not listen yet",
    remedy: hangsUp,
  },
  {
    codes: ["PROTOCOL"],
    check: "protocol",
    means: "something that is not PostgreSQL listens there: an HTTP or SSH server, another database",
    remedy: somethingElse,
    example: { detail: "an HTTP server" },
  },
  { codes: ["TLS_REFUSED"], check: "tls", means: "sslmode asks for TLS, and the server offers none", remedy: noTls },
  {
    codes: ["TLS_FAILED"],
    check: "tls",
    fits: ({ detail }) => detail === "CERT_HAS_EXPIRED",
    means: "the server's certificate has expired",
    remedy: expiredCertificate,
    example: { detail: "CERT_HAS_EXPIRED" },
  },
  {
    codes: ["TLS_FAILED"],
    check: "tls",
    fits: ({ detail }) => detail === "CERT_NOT_YET_VALID",
    means: "the server's certificate is not valid yet, or the clock is wrong",
    remedy: notYetValidCertificate,
    example: { detail: "CERT_NOT_YET_VALID" },
  },
  {
    codes: ["TLS_FAILED"],
    check: "tls",
    fits: ({ detail }) => detail === "ERR_TLS_CERT_ALTNAME_INVALID",
    means: "the server's certificate is for another name",
    remedy: wrongName,
    example: { detail: "ERR_TLS_CERT_ALTNAME_INVALID" },
  },
  {
    codes: ["TLS_FAILED"],
    check: "tls",
    fits: ({ detail = "" }) => UNTRUSTED.test(detail),
    means: "the server's certificate is self-signed, or signed by an authority that is not trusted here",
    remedy: untrustedCertificate,
    example: { detail: "DEPTH_ZERO_SELF_SIGNED_CERT" },
  },
  { codes: ["TLS_FAILED"], check: "tls", means: "the TLS handshake failed", remedy: badCertificate },
  { codes: ["28P01"], check: "auth", means: "wrong password, or the role does not exist", remedy: wrongPassword },
  {
    codes: ["28000"],
    check: "auth",
    // The file's name and the routine's are the same in every language.
    fits: ({ message }) => message.includes("pg_hba.conf"),
    means: "no line in pg_hba.conf lets us in",
    remedy: noHbaEntry,
    example: { message: 'no pg_hba.conf entry for host "10.0.0.7"' },
  },
  {
    codes: ["28000"],
    check: "auth",
    fits: ({ routine, message }) =>
      routine === "InitializeSessionUserId" && message.includes("not permitted to log in"),
    means: "the role may not log in",
    remedy: noLogin,
    example: { routine: "InitializeSessionUserId", message: 'role "app" is not permitted to log in' },
  },
  {
    codes: ["28000"],
    check: "auth",
    fits: ({ routine, message }) => routine === "InitializeSessionUserId" || /^role ".*" does not exist$/.test(message),
    means: "the role does not exist",
    remedy: noRole,
    example: { routine: "InitializeSessionUserId", message: 'role "app" does not exist' },
  },
  { codes: ["28000"], check: "auth", means: "a rule in pg_hba.conf refuses us", remedy: notAuthorized },
  {
    codes: ["3D000"],
    check: "database",
    fits: ({ message }) => message.startsWith("no such database"),
    means: "PgBouncer does not know the database",
    remedy: unknownToPooler,
    example: { message: "no such database: shop" },
  },
  { codes: ["3D000"], check: "database", means: "no such database", remedy: noDatabase },
  { codes: ["42501"], check: "database", means: "the role may not connect to this database", remedy: noPrivilege },
  { codes: ["53300"], check: "auth", means: "the server's connections are used up", remedy: tooManyConnections },
  { codes: ["57P03"], check: "auth", means: "the server starts up, recovers or shuts down", remedy: notReady },
  {
    codes: ["POOLER_NO_SERVER"],
    check: "auth",
    means: "PgBouncer answers, but has no server to give",
    remedy: noServerBehindPooler,
  },
  {
    codes: ["POOLER_MISCONFIGURED"],
    check: "auth",
    means: "PgBouncer answers, but does not know this database or user",
    remedy: misconfiguredPooler,
  },
  {
    codes: ["UNANSWERED"],
    check: "database",
    means: "lets us in and answers nothing then: a pooler whose PostgreSQL is away or busy",
    remedy: unanswered,
  },
  {
    codes: ["READ_ONLY", "NO_SUITABLE_HOST"],
    check: "role",
    means: "no host has the role that target-session-attrs asks for",
    remedy: wrongServer,
  },
  {
    codes: ["TWO_PRIMARIES"],
    check: "role",
    means: "two of the hosts take writes",
    remedy: twoPrimaries,
    example: { detail: "db2.example.com:5432" },
  },
  {
    codes: ["END_OF_LIFE"],
    check: "version",
    means: "the server's version gets no fixes any more",
    remedy: endOfLife,
    example: { detail: "12 has got no fixes since 2024-11-21" },
  },
  {
    codes: ["PREPARE_ON"],
    check: "pooler",
    means: "prepare=on behind a pooler, which may not carry named statements",
    remedy: namedBehindPooler,
  },
];
