import type { DatabaseTarget } from "../../config/types.ts";
import { DebyError } from "../../errors.ts";
import { FaultProxy } from "../fault-proxy.ts";
import { findFreePort } from "../free-port.ts";
import { probeRaw } from "../raw-probe.ts";
import type { ResourceStack } from "../resource-stack.ts";
import type { Target } from "../target.ts";
import { endpointOf } from "./configured.ts";

const PROBE_LIMIT_MS = 5_000;

export interface ProxyTargetOptions {
  readonly database: DatabaseTarget;
  /** Undefined: any free one. */
  readonly port: number | undefined;
  readonly resources: ResourceStack;
}

/**
 * Puts a proxy in front of the configured database. Nothing of the database's is stopped or changed: only what goes
 * through the proxy is cut, which is our own.
 * @throws DebyError USAGE, LISTEN_FAILED, CANNOT_RUN if there is no database
 */
export async function startProxyTarget({ database, port, resources }: ProxyTargetOptions): Promise<Target> {
  const endpoint = endpointOf(database);
  const where = `${endpoint.host}:${endpoint.port}`;
  const found = await probeRaw({ ...endpoint, asks: "tls", limitMs: PROBE_LIMIT_MS });
  if (found !== "ready")
    throw new DebyError("CANNOT_RUN", `No PostgreSQL answers on ${where}: ${found}. Try deby check`);
  const traffic = await FaultProxy.listen({ target: endpoint, port: port ?? (await findFreePort()) });
  resources.add({ what: `the proxy on port ${traffic.port}`, limitMs: 5_000, remove: () => traffic.close() });
  return {
    kind: "proxy",
    description: `proxy on 127.0.0.1:${traffic.port} in front of ${where}/${endpoint.database}`,
    isForeign: true,
    isShared: true,
    endpoint,
    asks: "tls",
    server: undefined,
    sql: undefined,
    traffic,
    readLog: async () => "",
  };
}
