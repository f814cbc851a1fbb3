import { buildInfo } from "./config/build-info.ts";
import { formatDuration } from "./config/duration.ts";
import type { Config } from "./config/types.ts";
import { systemClock } from "./core/clock.ts";
import type { Log } from "./core/log.ts";
import { type Database, openDatabase } from "./database/database.ts";
import type { DatabaseEvents, Reason } from "./database/events.ts";
import type { SystemDeps } from "./database/system.ts";
import { adviseOn } from "./diagnostics/advice.ts";
import type { Subject } from "./diagnostics/check.ts";
import { SharedExamination } from "./diagnostics/shared-examination.ts";
import { DebyError } from "./errors.ts";
import { createApp } from "./http/app.ts";
import { CanaryTable } from "./http/canary-table.ts";
import { type HttpServer, serveHttp } from "./http/server.ts";
import { loadUserRoutes } from "./http/user-routes.ts";
import { logDatabase } from "./incidents/operator-log.ts";
import { DatabaseTimings } from "./metrics/database-timings.ts";
import { startMetrics } from "./metrics/metrics.ts";

export interface StackDeps {
  readonly log: Log;
  /** The configured database, as it is examined when something is wrong with it. */
  readonly subject: Subject;
  /** Says why the start is not wanted any more. */
  readonly signal: AbortSignal;
}

/** Everything that `deby serve` runs. */
export interface Stack {
  /** Where the API answers, without a slash at the end. */
  readonly url: string;
  /** Ends all of it in order: no new work, in-flight requests, heartbeat, connections. `why` is what the log says. */
  stop(why: string): Promise<void>;
}

/** Time for connections to be closed once no request needs them any more. */
const CLOSE_GRACE_MS = 1000;

/**
 * Builds, owns and ends everything that serve runs. The listener is open when this resolves, whatever the database does.
 * @throws DebyError ROUTES_INVALID, LISTEN_FAILED, ABORTED
 */
export async function startStack(config: Config, { log, signal, ...deps }: StackDeps): Promise<Stack> {
  const startedAt = systemClock.now();
  const { serve, pool } = config;
  const embedded = serve.embedded ? await startEmbedded() : undefined;
  const target = embedded?.target ?? config.database;
  const subject = { ...deps.subject, target, isEmbedded: serve.embedded };
  const examination = new SharedExamination(subject, systemClock);
  const timings = new DatabaseTimings();
  const db = openDatabase(target, embedded?.settings ?? pool, { ...embedded?.deps, observer: timings });
  const canary = serve.canary ? new CanaryTable(db) : undefined;
  const { version } = buildInfo;
  const metrics = startMetrics({ db, timings, clock: systemClock, version, startedAt });
  // The embedded database is started again by itself, and nobody has to type anything.
  const advise = serve.embedded ? undefined : (reason: Reason) => adviseOn(reason, subject);
  const stopLogging = logDatabase(db, { log, target, settings: pool, isEmbedded: serve.embedded, advise });
  const firstFailure = first(db, "attemptFailed");
  const firstUp = first(db, "transition", ({ to }) => to.name === "up" || to.name === "read-only");
  try {
    const userApp = serve.routes === undefined ? undefined : await unless(signal, loadUserRoutes(serve.routes, db));
    const app = createApp({
      db,
      canary,
      metrics,
      diagnose: () => examination.report(),
      settings: serve,
      clock: systemClock,
      log,
      version,
      startedAt,
      userApp,
    });
    const server = serveHttp(app, { ...serve, requestTimeoutMs: pool.requestTimeoutMs, clock: systemClock, log });
    void announce(server);
    return { url: server.url, stop: (why) => stop(why, server) };
  } catch (error) {
    if (signal.aborted) log.info("shutdown.started", `${signal.reason} received, the start is given up`);
    stopLogging();
    metrics.stop();
    await db.close({ graceMs: 0 });
    await embedded?.postgres.close();
    if (signal.aborted) log.success("shutdown.done", "Bye");
    throw error;
  }

  async function startEmbedded() {
    // Only whoever wants it pays for it.
    const { embeddedTarget, serveEmbedded } = await import("./embedded/serve-embedded.ts");
    const postgres = await serveEmbedded(serve.dataDir, log);
    const deps: SystemDeps = { isBusy: () => postgres.isBusy(), startAfter: postgres.settled };
    // It looks like a pooler, and keeps the names of its clients apart.
    const settings = pool.prepare === "auto" ? ({ ...pool, prepare: "on" } as const) : pool;
    return { postgres, target: embeddedTarget(postgres, config.database), settings, deps };
  }

  /** The lines of a start, in their order; without a database the server's come first, the others when it is there. */
  async function announce(server: HttpServer): Promise<void> {
    const isUp = await Promise.race([firstUp.then(() => true), firstFailure.then(() => false)]);
    if (!isUp) announceServer(server, log);
    await firstUp;
    if (canary !== undefined) await prepare(canary, log);
    const intervalMs = pool.heartbeatIntervalMs;
    log.info("heartbeat.started", `Heartbeat started, every ${formatDuration(intervalMs)}`, { intervalMs });
    if (isUp) announceServer(server, log);
    log.success("ready", "All systems operational");
    if (embedded !== undefined) announceTrial(server, embedded.postgres.pid);
  }

  function announceTrial({ url }: HttpServer, pid: number | undefined): void {
    const steps = `curl -s ${url}/api/health; kill -9 ${pid} ends the embedded PostgreSQL, and health tells how it comes back`;
    log.info("embedded.try", `Try: ${steps}`, { pid });
  }

  async function stop(why: string, server: HttpServer): Promise<void> {
    const endsAt = systemClock.now() + serve.shutdownTimeoutMs;
    const inFlight = server.inFlight();
    log.info("shutdown.started", `${why} received, shutting down`, { signal: why });
    log.info("shutdown.in-flight", `${inFlight} request${inFlight === 1 ? "" : "s"} in flight`, { inFlight });
    server.drain();
    examination.stop();
    db.drain();
    log.info("heartbeat.stopped", "Heartbeat stopped");
    await server.stop({ timeoutMs: serve.shutdownTimeoutMs });
    await db.close({ graceMs: CLOSE_GRACE_MS });
    stopLogging();
    metrics.stop();
    log.info("db.closed", "Connections closed");
    if (embedded !== undefined) {
      await embedded.postgres.close({ limitMs: Math.max(CLOSE_GRACE_MS, endsAt - systemClock.now()) });
      log.info("embedded.stopped", "Embedded PostgreSQL stopped");
    }
    log.success("shutdown.done", "Bye");
  }
}

/** The same promise; rejects with ABORTED as soon as the signal fires. */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(new DebyError("ABORTED", "The start was given up"));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Resolves in the turn after the first event of this kind that `isWanted`. */
function first<E extends keyof DatabaseEvents>(
  db: Database,
  event: E,
  isWanted: (detail: DatabaseEvents[E]) => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    const stop = db.on(event, (detail) => {
      if (!isWanted(detail)) return;
      stop();
      setImmediate(resolve);
    });
  });
}

async function prepare(canary: CanaryTable, log: Log): Promise<void> {
  try {
    await canary.make();
    log.info("schema.ready", "Schema ready: deby.canary");
  } catch (error) {
    log.warn("schema.failed", `The canary's schema is not ready: ${(error as Error).message}`);
  }
}

function announceServer({ port, url }: HttpServer, log: Log): void {
  log.success("server.started", `Server running on port ${port}`, { port });
  log.info("server.url", `API: ${url}/api/health, documentation: ${url}/swagger`, { url });
  log.info("server.database", "Database: PostgreSQL, auto-reconnect enabled");
}
