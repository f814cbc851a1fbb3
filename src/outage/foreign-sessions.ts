import { connectDriver, within } from "./driver.ts";
import type { DatabaseEndpoint, ReachedServer } from "./target.ts";
import type { ForeignSession } from "./targets/permission.ts";

const LIMIT_MS = 10_000;

/** Tells one start of a server from any other, to the microsecond. */
export const POSTMASTER_START = "select extract(epoch from pg_postmaster_start_time())::text as at";

/** Who is at a server besides us, and which one it is. */
export interface Presence {
  readonly others: readonly ForeignSession[];
  readonly reached: ReachedServer;
}

/**
 * Who else is connected to the server, to whichever database of it; standbys and whoever else follows its log, too.
 * @throws the driver's error, or after 10 s
 */
export async function readPresence(endpoint: DatabaseEndpoint): Promise<Presence> {
  const sql = connectDriver(endpoint, LIMIT_MS);
  // Whoever may not see what kind another's backend is sees null there. What has no database is the server's own, unless
  // it follows the log.
  const read = async (): Promise<Presence> => {
    const others = await sql<ForeignSession[]>`
      select coalesce(application_name, '') as "applicationName", coalesce(usename, '') as user,
        coalesce(host(client_addr), 'this machine') as client
      from pg_stat_activity
      where pid <> pg_backend_pid() and usesysid is not null
        and (datid is not null and coalesce(backend_type, 'client backend') in ('client backend', 'walsender')
          or pid in (select pid from pg_stat_replication))`;
    const [start] = await sql.unsafe<{ at: string }[]>(POSTMASTER_START);
    const [own] = await sql<{ pid: number | null; address: string | null }[]>`
      select min(pid) as pid, host(inet_server_addr()) as address from pg_stat_activity where datid is null and usesysid is null`;
    return {
      others,
      reached: { startedAt: start?.at ?? "", processId: own?.pid ?? undefined, address: own?.address ?? undefined },
    };
  };
  return await within(sql, read(), AbortSignal.timeout(LIMIT_MS));
}
