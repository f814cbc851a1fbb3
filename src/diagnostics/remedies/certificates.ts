import type { SslMode } from "../../config/types.ts";
import type { Certificate } from "../../database/greeting.ts";
import type { Fix, OperatingSystem } from "../check.ts";
import { commandLine, onEverySystem } from "../shell.ts";
import { asSuperuser, makeRemedy, type Remedy, type Situation } from "./trouble.ts";

const SHOW = "openssl x509 -noout -subject -issuer -dates -ext subjectAltName";

export function noTls({ subject }: Situation): Remedy {
  const cause = `The server offers no TLS, but sslmode=${subject.target.sslmode} asks for it. Turn TLS on there (ssl = on), or do without where the network is trusted`;
  return makeRemedy(cause, checkWith(subject.os, "prefer"), "ssl-tcp.html");
}

export function expiredCertificate(situation: Situation): Remedy {
  const { certificate } = situation.trouble;
  const since = certificate === undefined ? "" : ` on ${dayOf(certificate.validUntil)}`;
  const cause = `The certificate of ${situation.label} expired${since}. Put a renewed one in its place there and reload the server; no restart is needed`;
  return makeRemedy(cause, asSuperuser(situation, "SELECT pg_reload_conf()"), "ssl-tcp.html");
}

export function notYetValidCertificate(situation: Situation): Remedy {
  const cause = `The certificate of ${situation.label} is not valid yet. The clock here or there is wrong, or it was made for later`;
  return makeRemedy(cause, showCertificate(situation), "ssl-tcp.html");
}

export function wrongName(situation: Situation): Remedy {
  const { at, trouble } = situation;
  const names = trouble.certificate?.names ?? [];
  const actual = names.length === 0 ? "another name" : names.join(", ");
  const cause = `The certificate is for ${actual}, not for ${at.host}. Connect by a name that it carries, or have one made for this one; verify-ca checks everything but the name`;
  return makeRemedy(cause, checkWith(situation.subject.os, "verify-ca"), "libpq-ssl.html");
}

export function untrustedCertificate(situation: Situation): Remedy {
  const { subject, label, trouble } = situation;
  const { certificate } = trouble;
  const isSelfSigned = certificate?.isSelfSigned === true || trouble.detail === "DEPTH_ZERO_SELF_SIGNED_CERT";
  const kind = isSelfSigned
    ? "is self-signed"
    : `is signed by ${certificate === undefined ? "an authority" : `"${certificate.issuer}"`}, which is not trusted here`;
  const rootCert = subject.target.sslRootCert;
  const where = rootCert === undefined ? "names none" : `is ${rootCert}`;
  const cause = `The certificate of ${label} ${kind}. sslmode=${subject.target.sslmode} wants one whose authority is in PGSSLROOTCERT, which ${where}; be sure that it is the right one before you trust it`;
  const obtain = isSelfSigned ? "openssl x509 -out root.crt" : SHOW;
  const fix = onEverySystem(subject.os, (os) => [fetchCertificate(situation, os, obtain), trusting(os, "deby check")]);
  return makeRemedy(cause, fix, "libpq-ssl.html");
}

/** Whatever else a handshake fails of. */
export function badCertificate(situation: Situation): Remedy {
  const { trouble, subject } = situation;
  const why = trouble.detail === undefined ? "" : ` (${trouble.detail})`;
  const cause = `The TLS handshake failed${why}. The certificate is not what sslmode=${subject.target.sslmode} asks for, or the two sides know no common version of TLS`;
  return makeRemedy(cause, showCertificate(situation), "libpq-ssl.html");
}

/** A good certificate that will not be one for long. */
export function expiringCertificate(situation: Situation, certificate: Certificate, daysLeft: number): Remedy {
  const left = `${daysLeft} ${daysLeft === 1 ? "day" : "days"}`;
  const cause = `The certificate of ${situation.label} expires in ${left}, on ${dayOf(certificate.validUntil)}. From then on nobody who verifies it gets in; put a renewed one in its place and reload the server`;
  return makeRemedy(cause, asSuperuser(situation, "SELECT pg_reload_conf()"), "ssl-tcp.html");
}

export function unverifiedServer({ subject }: Situation): Remedy {
  const cause = `sslmode=${subject.target.sslmode} encrypts, but does not verify who answers. Whoever gets in between can read along, password included; name the authority in PGSSLROOTCERT and verify`;
  const verify = onEverySystem(subject.os, (os) => trusting(os, "deby check --db-sslmode verify-full"));
  return makeRemedy(cause, verify, "libpq-ssl.html");
}

/** `2026-11-26`. */
export function dayOf(ms: number): string {
  return Number.isNaN(ms) ? "an unknown day" : new Date(ms).toISOString().slice(0, 10);
}

function checkWith(current: OperatingSystem, sslmode: SslMode): Fix[] {
  return onEverySystem(current, () => `deby check --db-sslmode ${sslmode}`);
}

/** Whose certificate it is, by whom and until when. */
function showCertificate(situation: Situation): Fix[] {
  return onEverySystem(situation.subject.os, (os) => fetchCertificate(situation, os, SHOW));
}

function fetchCertificate({ at }: Situation, os: OperatingSystem, use: string): string {
  const address = at.host.includes(":") ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
  const connect = commandLine(os, ["openssl", "s_client", "-starttls", "postgres", "-connect", address]);
  return os === "windows" ? `echo | ${connect} | ${use}` : `${connect} </dev/null | ${use}`;
}

function trusting(os: OperatingSystem, command: string): string {
  return os === "windows" ? `set PGSSLROOTCERT=root.crt && ${command}` : `PGSSLROOTCERT=root.crt ${command}`;
}
