import { cpus, loadavg } from "node:os";
import type { PostgresServer } from "../../test/support/postgres.ts";

/** One line on what the figures were taken on; `others` are further parts of it, such as a runtime's version. */
export async function describeMachine(server: PostgresServer, others: readonly string[] = []): Promise<string> {
  const [row] = await server.psql<{ version: string }>("select split_part(version(), ' on ', 1) as version");
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? "unknown processor";
  const load = loadavg()[0]?.toFixed(1) ?? "unknown";
  const parts = [`${model}, ${cores.length} cores`, `Bun ${Bun.version}`, ...others, row?.version ?? "PostgreSQL"];
  return `${parts.join(" · ")} · load average at the end ${load}`;
}
