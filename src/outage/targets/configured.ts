import { Secret } from "../../config/secret.ts";
import type { DatabaseTarget } from "../../config/types.ts";
import { DebyError } from "../../errors.ts";
import type { DatabaseEndpoint } from "../target.ts";

/** The database that the configuration names, which has to be one, and to be reached by TCP. @throws DebyError USAGE */
export function endpointOf(configured: DatabaseTarget): DatabaseEndpoint {
  const [first, ...more] = configured.hosts;
  if (first === undefined || more.length > 0) {
    throw new DebyError("USAGE", `An outage is simulated on one host, and ${configured.hosts.length} are named`);
  }
  if (first.host.startsWith("/")) {
    throw new DebyError("USAGE", `An outage is simulated over TCP, and ${first.host} is a Unix socket's folder`);
  }
  const { user, database, password = new Secret(""), sslmode: mode, sslRootCert: rootCert } = configured;
  return { ...first, user, password, database, tls: { mode, rootCert } };
}

/** The same database behind a proxy of ours, whose name no certificate carries: its chain is still verified. */
export function behindProxy(endpoint: DatabaseEndpoint, { host, port }: { host: string; port: number }) {
  const { tls } = endpoint;
  const mode = tls?.mode === "verify-full" ? ("verify-ca" as const) : tls?.mode;
  return { ...endpoint, host, port, ...(tls === undefined || mode === undefined ? {} : { tls: { ...tls, mode } }) };
}
