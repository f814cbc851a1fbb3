import { DATABASE_SETTINGS, type DatabasePart } from "./database-settings.ts";
import type { NamedParts } from "./database-sources.ts";
import type { Findings } from "./findings.ts";
import { type Level, lookUp, type Named, type SourceName } from "./levels.ts";
import { oneOf } from "./parse-setting.ts";
import { findPgpassPassword } from "./pgpass.ts";
import { errorCode, type ReadFile } from "./read-file.ts";
import { redact } from "./redact.ts";
import { maskSecret, Secret } from "./secret.ts";
import type { DatabaseTarget, HostPort, SslMode } from "./types.ts";

/** A value in effect and where it came from; a secret's value is its mask. */
export interface SettingSource {
  readonly name: string;
  readonly value: string;
  readonly source: SourceName;
  /** The flag or variable; empty for a default. */
  readonly from: string;
}

export interface TargetContext {
  readonly levels: readonly Level[];
  readonly readFile: ReadFile;
  readonly findings: Findings;
  /** The password file that libpq would read; undefined where there is no home. */
  readonly defaultPgpass: string | undefined;
  /** Whether the permission bits of a file mean anything here: not on Windows. */
  readonly hasFileModes: boolean;
}

/** What the server repeats in its own words, so that it could not be masked there. */
const SAID_ALOUD: ReadonlySet<DatabasePart> = new Set(["dbname", "user"]);

const SSL_MODES: readonly SslMode[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** The validated target, without the role, and the source of each of its parts. */
export function readTarget(
  parts: NamedParts,
  context: TargetContext,
): { target: Omit<DatabaseTarget, "targetSessionAttrs">; sources: readonly SettingSource[] } {
  const named = (part: DatabasePart) => parts[part] ?? defaultOf(part);
  const hosts = readHosts(named("host"), named("port"), context.findings);
  const database = named("dbname").text;
  const user = named("user").text;
  for (const { part, name } of DATABASE_SETTINGS) {
    if (SAID_ALOUD.has(part)) refuseCredentials(name, named(part), context.findings);
  }
  const password = parts.password ?? findPassword({ hosts, database, user }, context);
  const sslmode = readSslMode(named("sslmode"), context.findings);
  if (parts.sslrootcert !== undefined && sslmode !== "disable") requireReadable(parts.sslrootcert, context);

  const sources = DATABASE_SETTINGS.map(({ part, name }): SettingSource => {
    const { source, from, text } = part === "password" ? (password ?? notSet) : named(part);
    return { name, value: shown(part, text, hosts), source, from };
  });
  const target = {
    hosts,
    database,
    user,
    password: password === undefined ? undefined : new Secret(password.text),
    sslmode,
    sslRootCert: parts.sslrootcert?.text,
    applicationName: named("application_name").text,
  };
  return { target, sources };
}

const URL_PLACE = "a URL belongs in DATABASE_URL or --db-url";

const notSet: Named = { text: "", source: "default", from: "" };

function defaultOf(part: DatabasePart): Named {
  return { ...notSet, text: DATABASE_SETTINGS.find((setting) => setting.part === part)?.default ?? "" };
}

function shown(part: DatabasePart, text: string, hosts: readonly HostPort[]): string {
  if (text === "") return "not set";
  if (part === "password") return maskSecret(text);
  // A list of ports may leave some of them to the default.
  return part === "port" && text.includes(",") ? hosts.map(({ port }) => port).join(",") : redact(text);
}

function refuseCredentials(name: string, named: Named, findings: Findings): void {
  if (redact(named.text) === named.text) return;
  findings.refuse(`${name} must not hold a password${received(named)}; ${URL_PLACE}`);
}

/** Pairs the hosts with their ports: one port serves all, else there is one for each. */
function readHosts(host: Named, port: Named, findings: Findings): readonly HostPort[] {
  const hosts = host.text.split(",").map((text) => text.trim() || defaultOf("host").text);
  const ports = port.text.split(",").map((text) => text.trim() || defaultOf("port").text);
  if (ports.length > 1 && hosts.length > 1 && ports.length !== hosts.length) {
    findings.refuse(`db-port must name one port, or one for each of the ${hosts.length} hosts${received(port)}`);
  }
  if (ports.some((text) => !/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65535)) {
    findings.refuse(`db-port must be a whole number from 1 to 65535${received(port)}`);
  }
  if (hosts.some((text) => !text.startsWith("/") && /[\s/?#@]/.test(text))) {
    findings.refuse(
      `db-host must be a host name, an address or the folder of a Unix socket${received(host)}; ${URL_PLACE}`,
    );
  }
  const count = Math.max(hosts.length, ports.length);
  return Array.from({ length: count }, (_, index) => ({
    host: hosts[index] ?? hosts[0] ?? "",
    port: Number(ports[index] ?? ports[0]),
  }));
}

function readSslMode(mode: Named, findings: Findings): SslMode {
  const known = SSL_MODES.find((name) => name === mode.text);
  if (known === undefined) findings.refuse(`db-sslmode must be ${oneOf(SSL_MODES)}${received(mode)}`);
  return known ?? "prefer";
}

function requireReadable(file: Named, { readFile, findings }: TargetContext): void {
  // libpq's word for the authorities that the system trusts.
  if (file.text === "system") return;
  try {
    readFile(file.text);
  } catch (error) {
    findings.refuse(`db-sslrootcert names a file that cannot be read${received(file)}: ${errorCode(error)}`);
  }
}

/** The password that libpq's password file holds for the first host it knows. */
function findPassword(
  target: { readonly hosts: readonly HostPort[]; readonly database: string; readonly user: string },
  { levels, readFile, findings, defaultPgpass, hasFileModes }: TargetContext,
): Named | undefined {
  const named = levels
    .map((level) => lookUp(level, { variables: ["PGPASSFILE"] }))
    .find((found) => found !== undefined);
  const path = named?.text ?? defaultPgpass;
  if (path === undefined) return undefined;
  let file: ReturnType<ReadFile>;
  try {
    file = readFile(path);
  } catch (error) {
    if (named !== undefined)
      findings.warn(`PGPASSFILE names a file that cannot be read: ${redact(path)} (${errorCode(error)})`);
    return undefined;
  }
  if (hasFileModes && (file.mode & 0o077) !== 0) {
    findings.warn(`The password file ${path} is ignored because others can read it; run chmod 600 ${path}`);
    return undefined;
  }
  for (const { host, port } of target.hosts) {
    const text = findPgpassPassword(file.text, { host, port, database: target.database, user: target.user });
    if (text !== undefined) return { text, source: named?.source ?? "default", from: named?.from ?? path };
  }
  return undefined;
}

function received(named: Named): string {
  return `, received "${redact(named.text)}"${named.from === "" ? "" : ` (${named.from})`}`;
}
