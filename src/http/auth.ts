import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../config/secret.ts";
import type { ServeSettings } from "../config/types.ts";
import { DebyError } from "../errors.ts";
import { notFoundError } from "./problem.ts";
import { pathOf } from "./reserved-routes.ts";

/** `metrics` is what the metrics token opens; the admin token opens both. */
export type AdminScope = "admin" | "metrics";

type AdminAccess = "granted" | "unauthorized" | "hidden";

/** Decides who may use the admin routes. */
export interface AdminGate {
  access(request: Request, scope: AdminScope): AdminAccess;
  /**
   * For a route's `beforeHandle`.
   * @throws DebyError UNAUTHORIZED without the token, NOT_FOUND where the route is not to be seen.
   */
  require(scope: AdminScope): (context: { readonly request: Request }) => void;
}

export interface AdminSettings extends Pick<ServeSettings, "host" | "adminToken"> {
  readonly metricsToken?: Secret | undefined;
}

/**
 * With a token the routes ask for it. Without one they are open to this machine only: on a loopback listener, to a
 * request that names a loopback host and came through no proxy; for everybody else they do not exist.
 */
export function createAdminGate(settings: AdminSettings): AdminGate {
  const tokens: Record<AdminScope, readonly Secret[]> = {
    admin: compact([settings.adminToken]),
    metrics: compact([settings.adminToken, settings.metricsToken]),
  };
  const isLocalListener = isLoopback(settings.host);

  function access(request: Request, scope: AdminScope): AdminAccess {
    const accepted = tokens[scope];
    if (accepted.length > 0) return carriesToken(request.headers, accepted) ? "granted" : "unauthorized";
    return isLocalListener && isFromThisMachine(request.headers) ? "granted" : "hidden";
  }

  return {
    access,
    require(scope) {
      return ({ request }) => {
        const found = access(request, scope);
        if (found === "hidden") throw notFoundError(request.method, pathOf(request.url));
        if (found === "unauthorized") throw new DebyError("UNAUTHORIZED", "This route needs a valid bearer token");
      };
    },
  };
}

function compact(tokens: readonly (Secret | undefined)[]): Secret[] {
  return tokens.filter((token) => token !== undefined);
}

function carriesToken(headers: Headers, accepted: readonly Secret[]): boolean {
  const given = /^bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  if (given === undefined) return false;
  let isAccepted = false;
  // All are compared, each in constant time, so that the time tells nothing.
  for (const token of accepted) if (timingSafeEqual(digest(given), digest(token.reveal()))) isAccepted = true;
  return isAccepted;
}

/** Equal in length for every text, as the comparison demands. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function isFromThisMachine(headers: Headers): boolean {
  const host = headers.get("host");
  if (host === null || !isLoopback(host.replace(/:\d+$/, ""))) return false;
  if (headers.has("forwarded")) return false;
  for (const name of headers.keys()) if (name.startsWith("x-forwarded-")) return false;
  return true;
}

/** A name or address that only this machine can reach: localhost, 127.0.0.0/8, ::1. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || name === "::1" || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}
