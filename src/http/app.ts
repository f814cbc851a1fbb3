import { type AnyElysia, Elysia } from "elysia";
import type { ServeSettings } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Database } from "../database/database.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { type AdminScope, createAdminGate } from "./auth.ts";
import type { CanaryTable } from "./canary-table.ts";
import { createProblemHook } from "./problem-hook.ts";
import { isReserved, pathOf } from "./reserved-routes.ts";
import { type KnownRoute, RouteTable } from "./route-table.ts";
import { canaryRoutes } from "./routes/canary.ts";
import { checkRoutes, type Diagnose } from "./routes/check.ts";
import { docsRoutes } from "./routes/docs.ts";
import { healthRoutes } from "./routes/health.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { outcomeRoutes } from "./routes/outcomes.ts";
import { poolRoutes } from "./routes/pool.ts";
import { probeRoutes } from "./routes/probes.ts";
import { tableRoutes } from "./routes/tables.ts";
import { adoptUserApp, type UserApp } from "./user-app.ts";

export interface AppDeps {
  readonly db: Database;
  /** Default: there are no canary routes. */
  readonly canary?: CanaryTable | undefined;
  readonly metrics: Pick<Metrics, "render" | "timings">;
  readonly diagnose: Diagnose;
  readonly settings: Pick<ServeSettings, "host" | "adminToken" | "metricsToken">;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  /** deby's own. */
  readonly version: string;
  /** When the process began, on the clock's scale. */
  readonly startedAt: number;
  /** The program's own routes, from `loadUserRoutes`. */
  readonly userApp?: AnyElysia | undefined;
}

/** All routes, deby's and the program's, without a listener. */
export interface App {
  /** Answers a request, errors included. */
  readonly handle: (request: Request) => Response | Promise<Response>;
  /** The listener is open. */
  attach(server: Bun.Server<unknown>): void;
  /** The listener is closed. */
  detach(): Promise<void>;
}

/** Which of deby's own routes are for admins, by path. */
const ADMIN_SCOPES: ReadonlyMap<string, AdminScope> = new Map([
  ["/api/tables", "admin"],
  ["/api/pool", "admin"],
  ["/api/check", "admin"],
  ["/metrics", "metrics"],
]);

/**
 * Two Elysia apps behind one door: deby's, which answers the reserved paths, and the program's, which answers all
 * others. They are kept apart so that no hook of a program can reach health, probes and admin routes.
 */
export function createApp(deps: AppDeps): App {
  const { db, canary, metrics, diagnose, settings, clock, log, version, startedAt } = deps;
  const gate = createAdminGate(settings);
  let isStarted = false;

  const onError = createProblemHook({ log, methodsOf });
  // `standardHostname: false`, or Elysia mistakes the host for the path where it is a single letter.
  const system: AnyElysia = new Elysia({ handler: { standardHostname: false } }).onError(onError);
  system.use(healthRoutes({ db, clock, version, startedAt }));
  system.use(probeRoutes({ db, clock, isStarted: () => isStarted }));
  system.use(tableRoutes({ db, gate }));
  system.use(poolRoutes({ db, metrics, clock, gate }));
  system.use(checkRoutes({ diagnose, gate }));
  system.use(metricsRoutes({ metrics, gate }));
  if (canary !== undefined) system.use(canaryRoutes(canary));
  system.use(outcomeRoutes(db));
  system.use(docsRoutes({ version, apps: () => [system, ...(user === undefined ? [] : [user.app])] }));
  system.compile();

  const user: UserApp | undefined = deps.userApp && adoptUserApp(deps.userApp, onError);
  const table = new RouteTable([...knownRoutes(system), ...(user === undefined ? [] : knownRoutes(user.app))]);

  function methodsOf(path: string, request: Request): readonly string[] {
    const scope = ADMIN_SCOPES.get(path.replace(/(?<=.)\/$/, ""));
    if (scope !== undefined && gate.access(request, scope) === "hidden") return [];
    return table.methodsOf(path);
  }

  const handleSystem = system.fetch;
  const handleUser = user?.app.fetch;

  return {
    handle:
      handleUser === undefined
        ? handleSystem
        : (request) => (isReserved(pathOf(request.url)) ? handleSystem(request) : handleUser(request)),
    attach(server) {
      isStarted = true;
      user?.start(server);
    },
    async detach() {
      await user?.stop();
    },
  };
}

function knownRoutes(app: AnyElysia): KnownRoute[] {
  return app.routes.map(({ method, path }) => ({ method, path }));
}
