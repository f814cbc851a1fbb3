import { type AnyElysia, Elysia } from "elysia";
import { buildInfo } from "./config/build-info.ts";
import { systemClock } from "./core/clock.ts";
import type { Log } from "./core/log.ts";
import { createDatabase, type DatabaseOptions, requestTimeoutMsOf } from "./create-database.ts";
import type { Database } from "./database/database.ts";
import { DebyError } from "./errors.ts";
import { awaitEveryHandler } from "./http/async-handlers.ts";
import { createIdempotent, type Idempotent } from "./http/idempotent.ts";
import { outlastsRequests } from "./http/idle-seconds.ts";
import { answerProblem, createProblemHook } from "./http/problem-hook.ts";
import { createRequestScope } from "./http/request-scope.ts";
import { healthRoutes } from "./http/routes/health.ts";
import { outcomeRoutes } from "./http/routes/outcomes.ts";
import { probeRoutes } from "./http/routes/probes.ts";
import { type LineLog, logTo } from "./incidents/line-log.ts";

export type { Idempotent, IdempotentOptions } from "./http/idempotent.ts";
export type { RouteContext } from "./http/route-context.ts";

interface PluginOptions {
  /** In front of the paths of deby's own routes: with `/internal`, health is at `/internal/api/health`. Default: none. */
  readonly prefix?: string | undefined;
  /**
   * Told why a request failed where its answer does not tell, and what `DatabaseOptions` say of it.
   * Default: `console`, for failed requests alone.
   */
  readonly log?: LineLog | undefined;
}

/** A database of the plugin's own, which ends with the app. */
export interface OwnDatabaseOptions extends DatabaseOptions, PluginOptions {
  readonly db?: undefined;
}

/** A database that the program has made, and closes. */
export interface GivenDatabaseOptions extends PluginOptions {
  readonly db: Database;
}

/** What the app has from then on in the context of its handlers: `db` and `idempotent`. */
export type DebyPlugin = Elysia<
  "",
  { decorator: { db: Database; idempotent: Idempotent }; store: Empty; derive: Empty; resolve: Empty }
>;

type Empty = Record<never, never>;

/** Where a program's own stand-in for a database, such as a test's, says nothing of it. */
const USUAL_REQUEST_TIMEOUT_MS = 30_000;

/** After which an app closes an idle connection, where it does not say otherwise. Source: Elysia 1.4.30, `listen`. */
const ELYSIA_IDLE_SECONDS = 30;

let plugins = 0;

/**
 * The database as a plugin: `new Elysia().use(deby())`, before the routes that use it.
 *
 * Handlers get `db`, on which the request's deadline is set, and `idempotent`, for writes that happen once for each
 * `Idempotency-Key`. What `db` throws is answered as a problem (RFC 9457); an `onError` of the app that comes before the
 * plugin is asked first. `GET /api/health`, `/livez`, `/startupz`, `/readyz` and `/api/outcomes/:key` are added. A
 * database of its own is closed when the app has stopped; requests that wait for it are not kept waiting if `db.drain()`
 * is called before `app.stop()`.
 * @throws DebyError CONFIG_INVALID, with every option and variable that is not valid.
 */
export function deby(options: OwnDatabaseOptions | GivenDatabaseOptions = {}): DebyPlugin {
  const { prefix = "", db: given, ...rest } = options;
  if (given !== undefined) refuseOthers(rest);
  const db = given ?? createDatabase(rest);
  const log = logTo(options.log ?? console);
  plugins += 1;
  const plugin: DebyPlugin = new Elysia({ name: "deby", seed: plugins }).decorate({
    db,
    idempotent: createIdempotent(db),
  });
  const requestTimeoutMs = requestTimeoutMsOf(db) ?? USUAL_REQUEST_TIMEOUT_MS;
  let impatient: AnyElysia | undefined;
  const scope = createRequestScope({ requestTimeoutMs, clock: systemClock, log, server: () => impatient?.server });
  plugin
    // Elysia's type has handlers give functions; they give answers.
    .wrap(scope as unknown as Parameters<typeof plugin.wrap>[0])
    .onError({ as: "global" }, ({ error, request, path, set }) => {
      if (!(error instanceof DebyError)) return;
      const response = answerProblem(error, { request, path }, log);
      set.status = response.status;
      return response;
    })
    .use(ownRoutes(db, prefix, log))
    .onStart((app) => {
      if (!outlastsRequests(app.config.serve?.idleTimeout ?? ELYSIA_IDLE_SECONDS, requestTimeoutMs)) impatient = app;
      awaitEveryHandler(app);
    });
  if (given === undefined) plugin.onStop(() => db.close());
  return plugin;
}

function ownRoutes(db: Database, prefix: string, log: Pick<Log, "error">): AnyElysia {
  const clock = systemClock;
  const onError = createProblemHook({ log, methodsOf: () => [] });
  const routes: AnyElysia = new Elysia({ prefix, detail: { hide: true } }).onError(onError);
  routes.use(healthRoutes({ db, clock, version: buildInfo.version, startedAt: clock.now() }));
  // Whoever is asked has started.
  routes.use(probeRoutes({ db, clock, isStarted: () => true }));
  routes.use(outcomeRoutes(db));
  return routes;
}

function refuseOthers({ log: _, ...others }: Readonly<Record<string, unknown>>): void {
  const names = Object.keys(others).filter((name) => others[name] !== undefined);
  if (names.length === 0) return;
  throw new DebyError("CONFIG_INVALID", `With db, which is there already, these have no effect: ${names.join(", ")}`);
}
