import postgres from "postgres";
import { probeRaw } from "../../../src/outage/raw-probe.ts";
import type { DatabaseEndpoint } from "../../../src/outage/target.ts";

/** How a stand-in deceives its clients; `honest` does not. */
export type Manner =
  | "honest"
  /** Once the database was away, answers 201 without having written. */
  | "forgets"
  /** Once the database was away, answers for every third write that it was not executed, which it was. */
  | "denies"
  /** Refuses every third write from the beginning. */
  | "unsteady"
  /** Writes a second row under an id of its own. */
  | "doubles"
  /** Writes a second row under another id. */
  | "echoes"
  /** Says that all is well, whatever happens. */
  | "unconcerned"
  /** Says from the beginning that it is not well, and serves nevertheless. */
  | "alarmed"
  /** Once the database was away, says for ever that it is not well, and serves nevertheless. */
  | "stays alarmed"
  /** Never answers a write that meets the outage. */
  | "hangs"
  /** Once the database was away, refuses every eighth write for ever. */
  | "falters"
  /** Ends when the database goes away. */
  | "crashes"
  /** Comes back 2.5 s after the database. */
  | "oversleeps"
  /** Does not come back after the outage. */
  | "gives up";

const OVERSLEPT_MS = 2_500;
const LOOK_EVERY_MS = 20;

export interface StandIn extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

const problem = (status: number, code: string, outcome: string) =>
  Response.json({ title: code, status, code, outcome }, { status });

/** A server with deby's health and canary routes, as simple as can be, for a run to judge. */
export async function startStandIn(endpoint: DatabaseEndpoint, manner: Manner): Promise<StandIn> {
  const { host, port, user, database, password } = endpoint;
  // A reset while types are fetched is an error that nobody can catch, and there is nothing to fetch.
  const options = { max: 1, connect_timeout: 2, fetch_types: false, onnotice() {} };
  const connect = () => postgres({ host, port, user, database, password: password.reveal(), ...options });
  await withSql(async (sql) => {
    await sql`create schema if not exists deby`;
    // Without a primary key, so that a server can write twice.
    await sql`create table deby.canary (id uuid not null, created_at timestamptz not null default now())`;
  });

  let isUp = true;
  let wasAway = false;
  let awakeAt = 0;
  let writes = 0;
  let isStopped = false;
  async function watch(): Promise<void> {
    for (; !isStopped; await Bun.sleep(LOOK_EVERY_MS)) {
      const found = await probeRaw({ host, port, user, database, limitMs: 1000 });
      // A busy machine is no outage.
      if (found === "mute") continue;
      isUp = found === "ready";
      wasAway ||= !isUp;
      if (!isUp && manner === "oversleeps") awakeAt = performance.now() + OVERSLEPT_MS;
      if (!isUp && manner === "crashes") await server.stop(true);
    }
  }

  const canServe = () => isUp && performance.now() >= awakeAt && !(wasAway && manner === "gives up");

  async function withSql<T>(work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
    const sql = connect();
    try {
      return await Promise.race([
        work(sql),
        Bun.sleep(1_000).then(() => {
          throw new Error("No answer");
        }),
      ]);
    } finally {
      sql.end({ timeout: 0 }).catch(() => {});
    }
  }

  async function put(id: string): Promise<Response> {
    writes += 1;
    const isThird = writes % 3 === 0;
    if (manner === "unsteady" && isThird) return problem(503, "DATABASE_UNAVAILABLE", "not-executed");
    if (manner === "forgets" && wasAway) return Response.json({ id }, { status: 201 });
    if (manner === "falters" && wasAway && writes % 8 === 0)
      return problem(503, "DATABASE_UNAVAILABLE", "not-executed");
    if (!canServe()) {
      if (manner === "hangs") await new Promise(() => {});
      return problem(503, "DATABASE_UNAVAILABLE", "not-executed");
    }
    try {
      await withSql((sql) => sql`insert into deby.canary (id) values (${id})`);
      if (manner === "doubles") await withSql((sql) => sql`insert into deby.canary (id) values (${id})`);
      if (manner === "echoes") await withSql((sql) => sql`insert into deby.canary (id) values (gen_random_uuid())`);
    } catch {
      return problem(500, "OUTCOME_UNKNOWN", "unknown");
    }
    if (manner === "denies" && wasAway && isThird) return problem(503, "DATABASE_UNAVAILABLE", "not-executed");
    return Response.json({ id }, { status: 201 });
  }

  async function get(id: string): Promise<Response> {
    if (!canServe()) return problem(503, "DATABASE_UNAVAILABLE", "not-executed");
    try {
      const rows = await withSql((sql) => sql`select id from deby.canary where id = ${id}`);
      return rows.length === 0 ? problem(404, "NOT_FOUND", "not-executed") : Response.json({ id });
    } catch {
      return problem(503, "DATABASE_UNAVAILABLE", "not-executed");
    }
  }

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/api/health") {
        const isAlarmed = manner === "alarmed" || (manner === "stays alarmed" && wasAway);
        const isWell = manner === "unconcerned" || (canServe() && !isAlarmed);
        return Response.json({ status: isWell ? "ok" : "error" }, { status: isWell ? 200 : 503 });
      }
      const id = pathname.split("/").at(-1) ?? "";
      return request.method === "PUT" ? await put(id) : await get(id);
    },
  });
  const watching = watch();
  return {
    host: "127.0.0.1",
    port: server.port ?? 0,
    async [Symbol.asyncDispose]() {
      isStopped = true;
      await watching;
      await server.stop(true);
    },
  };
}
