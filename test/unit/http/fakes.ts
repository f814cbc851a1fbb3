import { systemClock } from "../../../src/core/clock.ts";
import type { Log } from "../../../src/core/log.ts";
import type { OwnDatabase } from "../../../src/database/database.ts";
import type { CircuitState } from "../../../src/database/events.ts";
import { decodeResult, encodeResult } from "../../../src/database/outcome-json.ts";
import { asStatement, type Statement, type Transaction } from "../../../src/database/statement.ts";
import { type App, type AppDeps, createApp } from "../../../src/http/app.ts";
import { type HttpServer, type HttpServerOptions, serveHttp } from "../../../src/http/server.ts";
import { DatabaseTimings } from "../../../src/metrics/database-timings.ts";

export type Answer = (sql: string, values: readonly unknown[]) => unknown[] | Promise<unknown[]>;

export interface FakeDatabase extends OwnDatabase {
  circuit: CircuitState;
  latency: number | undefined;
  /** What was asked, one entry a statement; transactions are marked. */
  readonly asked: string[];
}

/** A database of our own interface: every statement is answered by `answer`. */
export function fakeDatabase(answer: Answer = () => []): FakeDatabase {
  const asked: string[] = [];
  const statement =
    (kind: string): Statement =>
    async <R>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
      const sql = strings.join("?").replace(/\s+/g, " ").trim();
      asked.push(`${kind}: ${sql}`);
      return (await answer(sql, values)) as R[];
    };
  const fake: FakeDatabase = {
    circuit: { name: "up", since: 0 },
    latency: 1.234,
    asked,
    read: statement("read"),
    query: statement("query"),
    transaction: (work) => work({ query: statement("tx") }),
    once: async <T>(key: string, work: (tx: Transaction) => Promise<T>) => {
      asked.push(`once: ${key}`);
      return decodeResult<T>(encodeResult(await work({ query: statement("tx") })));
    },
    makeTable: (table) =>
      table.make(
        {
          look: (sql) => statement("look")(asStatement(sql)),
          change: async (sql) => void (await statement("change")(asStatement(sql))),
        },
        { clock: systemClock, deadlineAt: Number.POSITIVE_INFINITY },
      ),
    outcome: async () => "not-committed",
    with: () => fake,
    state: () => fake.circuit,
    stats: () => ({
      total: 2,
      idle: 2,
      active: 0,
      opening: 0,
      waiting: 0,
      max: 20,
      min: 2,
      generation: 1,
      acquireTimeouts: 0,
      held: 0,
      shed: 0,
      retries: 0,
      retryBudget: 10,
    }),
    server: () => undefined,
    latencyMs: () => fake.latency,
    on: () => () => undefined,
    drain: () => undefined,
    close: async () => undefined,
  };
  return fake;
}

export interface LogLine {
  readonly event: string;
  readonly message: string;
}

export function fakeLog(): Pick<Log, "error"> & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { lines, error: (event, message) => void lines.push({ event, message }) };
}

export type TestAppDeps = Partial<Omit<AppDeps, "settings">> & { readonly settings?: Partial<AppDeps["settings"]> };

export function testApp(deps: TestAppDeps = {}): App {
  return createApp({
    diagnose: async () => ({}),
    db: fakeDatabase(),
    metrics: { render: () => "", timings: new DatabaseTimings() },
    clock: systemClock,
    log: fakeLog(),
    version: "1.2.3",
    startedAt: 0,
    ...deps,
    settings: { host: "127.0.0.1", adminToken: undefined, metricsToken: undefined, ...deps.settings },
  });
}

export function testServer(app: App, options: Partial<HttpServerOptions> = {}): HttpServer {
  return serveHttp(app, {
    host: "127.0.0.1",
    port: 0,
    maxBodyBytes: 1000,
    requestTimeoutMs: 5000,
    clock: systemClock,
    log: fakeLog(),
    ...options,
  });
}

/** A request as a listener on loopback would hand it over. */
export function request(path: string, init: RequestInit & { readonly headers?: Record<string, string> } = {}): Request {
  return new Request(`http://127.0.0.1:5000${path}`, { ...init, headers: { host: "127.0.0.1:5000", ...init.headers } });
}
