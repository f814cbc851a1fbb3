import { connectDriver, within } from "./driver.ts";
import type { DatabaseEndpoint } from "./target.ts";
import type { ForeignSession } from "./targets/permission.ts";

const LIMIT_MS = 10_000;

/** Who else is connected to the server, to whichever database of it. @throws the driver's error, or after 10 s */
export async function readForeignSessions(endpoint: DatabaseEndpoint): Promise<readonly ForeignSession[]> {
  const sql = connectDriver(endpoint, LIMIT_MS);
  // Whoever may not see what kind another's backend is sees null there.
  const read = sql<ForeignSession[]>`
    select coalesce(application_name, '') as "applicationName", coalesce(usename, '') as user,
      coalesce(host(client_addr), 'this machine') as client
    from pg_stat_activity
    where pid <> pg_backend_pid() and datid is not null and usesysid is not null
      and coalesce(backend_type, 'client backend') = 'client backend'`;
  return await within(sql, read.execute(), AbortSignal.timeout(LIMIT_MS));
}
