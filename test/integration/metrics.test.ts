import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { PoolBody } from "../../src/http/routes/pool.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { type ServedDeby, type ServeOptions, startServe } from "../support/serve.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { parseMetrics } from "../unit/metrics/parse-metrics.ts";
import { hasPromtool, promtoolFindings } from "../unit/metrics/promtool.ts";

const POOL = 'db_client_connection_pool_name="deby"';
const ROUTES = `
  export default ({ app, db }) => app
    .get("/read", () => db.read\`select 1 as one\`)
    .get("/sleep", () => db.read\`select pg_sleep(1)\`)
    .get("/query", () => db.query\`select 2 as two\`)
    .get("/transaction", () => db.transaction((tx) => tx.query\`select 3 as three\`))
    .get("/wrong", () => db.query\`select nothing from nowhere\`);`;

const operations = (name: string, code = "") =>
  `db_client_operation_duration_seconds_count{db_system_name="postgresql",db_operation_name="${name}",error_type="${code}"}`;
const connections = (state: "idle" | "used") =>
  `db_client_connection_count{${POOL},db_client_connection_state="${state}"}`;

let folder: TempFolder;
let server: PostgresServer;
beforeAll(async () => {
  folder = makeTempFolder("metrics");
  await Bun.write(join(folder.path, "routes.ts"), ROUTES);
  server = await startPostgres({ settings: { log_statement: "all", log_line_prefix: "%a " } });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** Without heartbeats, so that whatever the server is asked comes from a request. */
function serve(options: ServeOptions = {}): Promise<ServedDeby> {
  const args = ["--routes", join(folder.path, "routes.ts"), "--heartbeat-interval", "1h", ...(options.args ?? [])];
  return startServe(server, { ...options, args });
}

async function scrape(deby: ServedDeby): Promise<{ text: string; series: ReadonlyMap<string, number> }> {
  const answer = await deby.fetch("/metrics");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  return { text, series: parseMetrics(text) };
}

/** Waits until a series has this value, and gives the whole scrape. */
async function waitForSeries(deby: ServedDeby, name: string, value: number) {
  return await waitUntil(`${name} is ${value}`, async () => {
    const scraped = await scrape(deby);
    return scraped.series.get(name) === value && scraped;
  });
}

/** Outages that are not 0, by reason. */
function outagesOf(series: ReadonlyMap<string, number>): string[] {
  return Array.from(series, ([name, value]) =>
    value > 0 && name.startsWith("deby_db_outages_total") ? `${name} ${value}` : "",
  ).filter((line) => line !== "");
}

test("GET /metrics and GET /api/pool tell of reads, writes and errors", async () => {
  await using deby = await serve();
  const before = (await waitForSeries(deby, connections("idle"), 2)).series;
  expect(before.get("deby_db_up")).toBe(1);
  expect(before.get('deby_db_state{state="up"}')).toBe(1);
  expect(before.get(`db_client_connection_max{${POOL}}`)).toBe(20);
  expect(before.get(`db_client_connection_create_time_seconds_count{${POOL}}`)).toBe(2);
  expect(before.get(operations("read"))).toBe(0);
  expect(outagesOf(before)).toEqual([]);

  const sleeping = deby.fetch("/sleep");
  await waitForSeries(deby, connections("used"), 1);
  expect((await sleeping).status).toBe(200);
  for (let i = 0; i < 9; i++) await deby.fetch("/read");
  for (let i = 0; i < 3; i++) await deby.fetch("/query");
  await deby.fetch("/transaction");
  expect((await deby.fetch("/wrong")).status).toBe(500);

  const { series } = await scrape(deby);
  expect(series.get(operations("read"))).toBe(10);
  expect(series.get(operations("query"))).toBe(3);
  expect(series.get(operations("transaction"))).toBe(1);
  expect(series.get(operations("query", "STATEMENT_FAILED"))).toBe(1);
  expect(series.get('deby_operation_errors_total{operation="query",code="STATEMENT_FAILED"}')).toBe(1);
  expect(series.get('deby_operation_errors_total{operation="read",code="STATEMENT_FAILED"}')).toBe(0);
  for (const what of ["wait", "use"]) {
    expect(series.get(`db_client_connection_${what}_time_seconds_count{${POOL}}`)).toBe(15);
  }
  const heldSeconds = series.get(`db_client_connection_use_time_seconds_sum{${POOL}}`);
  expect(heldSeconds).toBeGreaterThan(0.3);
  expect(heldSeconds).toBeLessThan(10);
  expect(series.get("process_start_time_seconds")).toBeCloseTo(Date.now() / 1000, -2);

  const pool = (await (await deby.fetch("/api/pool")).json()) as PoolBody;
  expect(pool).toMatchObject({
    state: "up",
    server: { address: `${server.host}:${server.port}` },
    pool: { total: 2, idle: 2, active: 0, waiting: 0, max: 20, min: 2, acquireTimeouts: 0, held: 0, retries: 0 },
  });
  expect(pool.timesMs.use.p99).toBeGreaterThan(100);
  expect(pool.timesMs.create.p50).toBeGreaterThan(0);
}, 30_000);

test("neither route asks the database anything", async () => {
  const { length } = server.log;
  await using deby = await serve();
  await waitForSeries(deby, connections("idle"), 2);
  // Its heart opens a session of its own half a second later.
  const hasHeart = () => /^deby-probe LOG: .*(statement|execute)/m.test(server.log.slice(length));
  await waitUntil("the heart has its connection", hasHeart);
  const asked = () => server.log.split("\n").filter((line) => /^deby\S* LOG: .*(statement|execute)/.test(line));
  const before = asked();
  expect(before.length).toBeGreaterThan(0);
  for (let i = 0; i < 50; i++) {
    await scrape(deby);
    expect((await deby.fetch("/api/pool")).status).toBe(200);
  }
  expect(asked()).toEqual(before);
  // The log would have shown it.
  await deby.fetch("/read");
  await waitUntil("the read is logged", () => asked().length > before.length);
}, 30_000);

test("an outage is told while it lasts, and counted", async () => {
  await using deby = await serve();
  await waitForSeries(deby, connections("idle"), 2);
  await server.stop("fast");
  const held = deby.fetch("/read");
  let seenAt = performance.now();
  let seenForSeconds = 0;
  try {
    await waitForSeries(deby, "deby_requests_held", 1);
    const during = (await waitForSeries(deby, 'deby_db_state{state="reconnecting"}', 1)).series;
    seenAt = performance.now();
    expect(during.get("deby_db_up")).toBe(0);
    expect(during.get('deby_db_state{state="up"}')).toBe(0);
    expect(outagesOf(during)).toEqual(['deby_db_outages_total{reason="shutdown"} 1']);
    expect(during.get(connections("idle"))).toBe(0);
    expect(during.get("deby_db_outage_duration_seconds_count")).toBe(0);
    expect(await (await deby.fetch("/api/pool")).json()).toMatchObject({ state: "reconnecting", pool: { held: 1 } });

    const timesMs: number[] = [];
    for (let i = 0; i < 200; i++) {
      const startedAt = performance.now();
      await scrape(deby);
      timesMs.push(performance.now() - startedAt);
    }
    timesMs.sort((a, b) => a - b);
    const [median = 0, p99 = 0] = [timesMs[100], timesMs[198]];
    console.log(`scrapes during the outage: median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
    expect(median).toBeLessThan(20);
    expect(p99).toBeLessThan(200);
  } finally {
    seenForSeconds = (performance.now() - seenAt) / 1000;
    await server.start();
  }
  expect((await held).status).toBe(200);
  const { series } = await waitForSeries(deby, "deby_db_outage_duration_seconds_count", 1);
  expect(series.get("deby_db_up")).toBe(1);
  expect(series.get("deby_db_outage_duration_seconds_sum")).toBeGreaterThan(seenForSeconds);
  // One of the start, at least one of the outage.
  expect(series.get("deby_db_reconnect_attempts_total")).toBeGreaterThanOrEqual(2);
  expect(series.get("deby_requests_held")).toBe(0);
  expect(outagesOf(series)).toEqual(['deby_db_outages_total{reason="shutdown"} 1']);
}, 30_000);

test("a database that is away at the start is no outage, and requests that are sent away are counted", async () => {
  await server.stop("fast");
  try {
    await using deby = await serve({
      until: "listening",
      args: ["--retry-attempts", "1", "--retry-interval", "100ms"],
    });
    await deby.waitForState("down");
    expect((await deby.fetch("/read")).status).toBe(503);
    const away = (await scrape(deby)).series;
    expect(away.get("deby_db_up")).toBe(0);
    expect(away.get('deby_db_state{state="down"}')).toBe(1);
    expect(away.get("deby_requests_shed_total")).toBe(1);
    expect(away.get('deby_operation_errors_total{operation="read",code="DATABASE_UNAVAILABLE"}')).toBe(1);
    expect(away.get("deby_db_reconnect_attempts_total")).toBeGreaterThanOrEqual(1);
    expect(await (await deby.fetch("/api/pool")).json()).toMatchObject({ state: "down", server: null });
    await server.start();
    const { series } = await waitForSeries(deby, "deby_db_up", 1);
    expect(outagesOf(series)).toEqual([]);
    expect(series.get("deby_db_outage_duration_seconds_count")).toBe(0);
  } finally {
    if (!server.isRunning) await server.start();
  }
}, 30_000);

test("DEBY_METRICS_TOKEN opens /metrics and nothing else, the admin token both", async () => {
  const env = { DEBY_METRICS_TOKEN: "metrics-only", DEBY_ADMIN_TOKEN: "correct-horse" };
  await using deby = await serve({ env });
  const statusOf = async (path: string, token?: string) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await deby.fetch(path, { headers })).status;
  };
  expect(await statusOf("/metrics")).toBe(401);
  expect(await statusOf("/metrics", "metrics-only")).toBe(200);
  expect(await statusOf("/api/pool", "metrics-only")).toBe(401);
  expect(await statusOf("/api/tables", "metrics-only")).toBe(401);
  expect(await statusOf("/metrics", "correct-horse")).toBe(200);
  expect(await statusOf("/api/pool", "correct-horse")).toBe(200);
}, 30_000);

describe.skipIf(!hasPromtool)("promtool check metrics (needs promtool)", () => {
  test("has nothing against what is served", async () => {
    await using deby = await serve();
    await deby.fetch("/read");
    await deby.fetch("/wrong");
    expect(promtoolFindings((await scrape(deby)).text)).toEqual([]);
  }, 30_000);
});
