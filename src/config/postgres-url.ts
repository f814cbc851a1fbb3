import type { DatabasePart } from "./database-settings.ts";

type UrlParts = Partial<Record<DatabasePart, string>>;

export type ParsedUrl =
  | { readonly ok: true; readonly parts: UrlParts; readonly warnings: readonly string[] }
  /** What is wrong, as the end of a sentence that begins with the URL's name; never holds the password. */
  | { readonly ok: false; readonly problem: string };

const SCHEME = /^postgres(?:ql)?:\/\//;

const PARAMETERS: ReadonlySet<string> = new Set<DatabasePart>([
  "host",
  "port",
  "dbname",
  "user",
  "password",
  "sslmode",
  "sslrootcert",
  "application_name",
  "target_session_attrs",
  "connect_timeout",
]);

/**
 * Reads a connection URL as libpq does: several hosts, IPv6 in brackets, percent-encoded parts, a Unix socket's folder
 * as `%2Fvar%2Frun` or `?host=`, parameters that win over the parts before them. An unknown parameter is a warning.
 * Unlike libpq it refuses `?` and `#` in a password, since nearly every other program reads such a URL differently.
 * Source: PostgreSQL 18, section 34.1.1.2, Connection URIs.
 */
export function parsePostgresUrl(text: string): ParsedUrl {
  const url = text.trim();
  if (!SCHEME.test(url)) {
    const scheme = /^([a-z][a-z0-9+.-]*:\/\/)/i.exec(url)?.[1];
    const received = scheme === undefined ? "no scheme at all" : `"${scheme}"`;
    return { ok: false, problem: `must begin with postgres:// or postgresql://, received ${received}` };
  }
  try {
    return readUrl(url.replace(SCHEME, ""));
  } catch (error) {
    if (!(error instanceof UrlProblem)) throw error;
    return { ok: false, problem: unencodedPassword(url) ?? error.message };
  }
}

class UrlProblem extends Error {}

function readUrl(rest: string): ParsedUrl {
  const pieces = /^([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?(#.*)?$/s.exec(rest) ?? [];
  const [, authority = "", path, query, fragment] = pieces;
  if (fragment !== undefined) throw new UrlProblem('holds a "#", which must be written as %23');

  const [userinfo, hosts, ...more] = authority.includes("@") ? authority.split("@") : [undefined, authority];
  if (more.length > 0) throw new UrlProblem('holds an "@" too many; within a part it must be written as %40');
  // What follows a "/" in a password looks like a path, and what follows a "?" like parameters.
  if (path?.includes("@")) throw new UrlProblem('holds an "@" in the database\'s name, which must be written as %40');

  const parts: UrlParts = { ...readUserinfo(userinfo), ...readHosts(hosts ?? "") };
  if (path !== undefined && path !== "") parts.dbname = decode(path);
  const warnings = readParameters(query, parts);
  if (path === undefined && warnings.length > 0 && query?.includes("@")) {
    throw new UrlProblem('holds an unexpected "@" among its parameters');
  }
  return { ok: true, parts, warnings };
}

function readUserinfo(userinfo: string | undefined): UrlParts {
  if (userinfo === undefined) return {};
  const colon = userinfo.indexOf(":");
  const user = decode(colon === -1 ? userinfo : userinfo.slice(0, colon));
  const password = colon === -1 ? "" : decode(userinfo.slice(colon + 1));
  return { ...(user !== "" && { user }), ...(password !== "" && { password }) };
}

/** `a:1,b` becomes the lists `a,b` and `1,`, as libpq keeps them. */
function readHosts(text: string): UrlParts {
  if (text === "") return {};
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const item of text.split(",")) {
    const match = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]*))(?::(\d*))?$/.exec(item);
    if (match === null) throw new UrlProblem("has a host or port that cannot be understood");
    hosts.push(decode(match[1] ?? match[2] ?? ""));
    ports.push(match[3] ?? "");
  }
  return {
    ...(hosts.some((host) => host !== "") && { host: hosts.join(",") }),
    ...(ports.some((port) => port !== "") && { port: ports.join(",") }),
  };
}

/** Puts the known parameters among the parts; returns warnings about the others. */
function readParameters(query: string | undefined, parts: UrlParts): string[] {
  const warnings: string[] = [];
  for (const item of query?.split("&") ?? []) {
    if (item === "") continue;
    const equals = item.indexOf("=");
    if (equals === -1) throw new UrlProblem("has a parameter without a value");
    const name = decode(item.slice(0, equals));
    const value = decode(item.slice(equals + 1));
    if (name === "ssl" && value === "true") parts.sslmode ??= "require";
    else if (!isPart(name)) warnings.push(`has a parameter that deby does not know and ignores: ${name}`);
    else if (value !== "") parts[name] = value;
  }
  return warnings;
}

function isPart(name: string): name is DatabasePart {
  return PARAMETERS.has(name);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UrlProblem('holds a "%" that begins no percent-encoded character; it must be written as %25');
  }
}

/**
 * The sentence for a URL that cannot be read because its password was put in as it is. The password is what lies
 * between the first colon and the last "@", which is how it was meant.
 */
function unencodedPassword(url: string): string | undefined {
  const match = /^(postgres(?:ql)?:\/\/)([^:@/?#]*):(.*)@([^@?#]*)[^@]*$/s.exec(url);
  if (match === null) return undefined;
  const [, scheme = "", user = "", password = "", rest = ""] = match;
  const offenders = new Set(password.match(/[?#/@]|%(?![0-9A-Fa-f]{2})/g));
  if (offenders.size === 0) return undefined;
  const pairs = [...offenders].map((letter) => `"${letter}" as ${encodeURIComponent(letter)}`);
  return `holds a password with characters that must be encoded: write ${pairs.join(", ")}, as in ${scheme}${user}:***@${rest}`;
}
