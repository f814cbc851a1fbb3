import { type Capacity, leastLimit, readCapacity } from "./capacity.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, manual, percent, psql } from "./words.ts";

const DEFAULT_POOL_MAX = 20;
/** The heartbeat's connection, and one that is opened to prove the server. */
const PROBES = 2;

export const poolSizeCheck = healthCheck<Capacity>({
  ...TABLE.poolSize,
  about:
    "Whether all instances of deby together could use up the server's connections: instances, each with pool-max and two probes.",
  look: readCapacity,
  judge(capacity, scene) {
    const { instances = 1, poolMax = DEFAULT_POOL_MAX } = scene.subject;
    const { limit, of } = leastLimit(capacity, scene);
    const wanted = instances * (poolMax + PROBES);
    const share = limit === 0 ? 1 : wanted / limit;
    const status = grade(share, scene.limits);
    const sum = `${count(instances, "instance")} with pool-max ${poolMax} and ${PROBES} probes may open ${wanted} of ${limit} connections`;
    if (status === "pass") return { status, evidence: sum };
    const fitting = Math.ceil(((scene.limits.warn ?? 1) * limit) / instances) - 1 - PROBES;
    const room = Math.ceil(wanted / (scene.limits.warn ?? 1)) + 1 + capacity.reserved;
    const isServers = limit === capacity.maxConnections - capacity.reserved;
    const smaller = { os: "any", command: `deby serve --pool-max ${fitting}` } as const;
    const larger = psql(scene, `ALTER SYSTEM SET max_connections = ${room}`);
    return {
      status,
      evidence: `${sum} (${of})`,
      cause: `Under full load deby alone takes ${percent(share)} of the connections that the server has for it. Others then get 53300; smaller pools are usually as fast. Raising max_connections takes effect at the server's next start`,
      fix: [...(fitting >= 1 ? [smaller] : []), ...(isServers ? larger : [])],
      docs: manual("runtime-config-connection.html"),
    };
  },
});
