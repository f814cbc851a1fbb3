import { type Capacity, readCapacity, type Slots, slotsOf } from "./capacity.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { grade, listed, manual, percent, psql } from "./words.ts";

export const connectionsCheck = healthCheck<Capacity>({
  ...TABLE.connections,
  about:
    "How near the server is to refusing everybody: connections in use against max_connections less those that are reserved, or against the limit of the role or the database.",
  look: readCapacity,
  judge(capacity, scene) {
    const slots = slotsOf(capacity, scene).toSorted((a, b) => share(b) - share(a))[0];
    if (slots === undefined) throw new Error("The server has no limit of connections");
    const status = grade(share(slots), scene.limits);
    const fact = `${slots.used} of ${slots.limit} connections in use (${slots.of})`;
    if (status === "pass") return { status, evidence: fact };
    const holders = capacity.holders.map(({ user, application, connections }) => {
      return `${connections} by ${user ?? "an unknown role"}${application ? ` (${application})` : ""}`;
    });
    const question =
      "SELECT usename, application_name, client_addr, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC";
    return {
      status,
      evidence: listed([fact, ...holders]),
      cause: `${percent(share(slots))} of the connections are in use, most of them ${holders[0] ?? "by unknown roles"}. When none is left the server refuses everybody with 53300: let whoever holds the most have smaller pools, or raise the limit (max_connections takes a restart). The command lists who holds how many, and changes nothing`,
      fix: psql(scene, question),
      docs: manual("runtime-config-connection.html"),
    };
  },
});

function share({ used, limit }: Slots): number {
  return limit === 0 ? 1 : used / limit;
}
