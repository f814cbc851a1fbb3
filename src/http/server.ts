import { websocket } from "elysia/ws";
import type { Clock } from "../core/clock.ts";
import { runWithDeadline } from "../core/deadline.ts";
import type { Log } from "../core/log.ts";
import { DebyError } from "../errors.ts";
import type { App } from "./app.ts";
import { idleSeconds } from "./idle-seconds.ts";
import { RequestsInFlight } from "./in-flight.ts";
import { listenError } from "./listen-error.ts";
import { problemResponse } from "./problem.ts";
import { limitBody } from "./request-body.ts";
import { isAnsweredWhileDraining, pathOf } from "./reserved-routes.ts";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly maxBodyBytes: number;
  /** The deadline of every request, all waiting included. */
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
}

export interface HttpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Without a slash at the end. */
  readonly url: string;
  /** Requests that wait for their answer. */
  inFlight(): number;
  /** From now on new work gets SHUTTING_DOWN; health and probes still answer. */
  drain(): void;
  /**
   * Stops listening, closes idle connections, and waits for the requests in flight; what is not answered after
   * `timeoutMs` gets SHUTTING_DOWN, and all connections are closed. A second call waits for the first.
   */
  stop(options: { readonly timeoutMs: number }): Promise<void>;
}

/** Time for last answers to leave before connections are cut. */
const FLUSH_MS = 100;

/**
 * Serves the app: gives each request its one deadline, which `currentDeadline()` finds, bounds its body, and answers
 * even where a route never does.
 * @throws DebyError LISTEN_FAILED
 */
export function serveHttp(app: App, options: HttpServerOptions): HttpServer {
  const { host, port, maxBodyBytes, requestTimeoutMs, clock, log } = options;
  const requests = new RequestsInFlight(clock, requestTimeoutMs);
  let isDraining = false;
  let stopped: Promise<void> | undefined;

  const server = listen();
  app.attach(server);

  function listen(): Bun.Server<unknown> {
    try {
      return Bun.serve({
        hostname: host,
        port,
        fetch,
        // An own answer to a body that is too large needs Bun's, which has no body, out of the way.
        maxRequestBodySize: Number.MAX_SAFE_INTEGER,
        idleTimeout: idleSeconds(requestTimeoutMs),
        development: false,
        // Else Bun shares the port outside of its development mode, and a second server on it would not be noticed.
        reusePort: false,
        error: answerFailure,
        websocket: websocket as Bun.WebSocketHandler<unknown>,
      });
    } catch (error) {
      throw listenError(error, { host, port }, process.platform);
    }
  }

  function fetch(request: Request): Response | Promise<Response> {
    if (isDraining && !isAnsweredWhileDraining(pathOf(request.url))) return problemResponse(shuttingDown());
    const entry = requests.begin(request);
    try {
      const answer = runWithDeadline(entry, () => answerBounded(request));
      // A route that upgraded to a WebSocket answers nothing, which Bun's types do not know.
      if (!(answer instanceof Promise)) {
        entry.isAnswered = true;
        return answer as Response;
      }
      return requests.track(entry, answer, answerFailure) as Promise<Response>;
    } catch (error) {
      return answerFailure(error);
    }
  }

  function answerBounded(request: Request): Response | Promise<Response> {
    const bounded = limitBody(request, maxBodyBytes);
    return bounded instanceof Promise ? bounded.then(app.handle) : app.handle(bounded);
  }

  function answerFailure(error: unknown): Response {
    // What is left of the body is not read, so the connection cannot be used again.
    if (error instanceof DebyError) return problemResponse(error, { headers: { connection: "close" } });
    log.error("http.failed", `A request failed outside of its route: ${String(error)}`, { error });
    return problemResponse(new DebyError("INTERNAL_ERROR", "Failed outside of the route", { outcome: "unknown" }));
  }

  function drain(): void {
    isDraining = true;
  }

  function stop({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    stopped ??= stopOnce(timeoutMs);
    return stopped;
  }

  async function stopOnce(timeoutMs: number): Promise<void> {
    const endsAt = clock.now() + timeoutMs;
    drain();
    const closed = server.stop();
    if (!(await settlesWithin(closed, timeoutMs))) {
      requests.settleAll(shuttingDown("unknown"));
      await settlesWithin(closed, FLUSH_MS);
      await settlesWithin(server.stop(true), FLUSH_MS);
    }
    const detached = app.detach().catch((error: unknown) => {
      log.error("http.stop-failed", `An onStop hook failed: ${String(error)}`, { error });
    });
    if (await settlesWithin(detached, Math.max(FLUSH_MS, endsAt - clock.now()))) return;
    log.error("http.stop-late", "An onStop hook has not ended within shutdown-timeout and is left behind");
  }

  function settlesWithin(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.after(timeoutMs, () => resolve(false));
      const done = () => {
        timer.cancel();
        resolve(true);
      };
      promise.then(done, done);
    });
  }

  const boundPort = server.port ?? port;
  return {
    host,
    port: boundPort,
    url: `http://${host.includes(":") ? `[${host}]` : host}:${boundPort}`,
    inFlight: () => requests.count,
    drain,
    stop,
    [Symbol.asyncDispose]: () => stop({ timeoutMs: 0 }),
  };
}

function shuttingDown(outcome: "not-executed" | "unknown" = "not-executed"): DebyError {
  return new DebyError("SHUTTING_DOWN", "The server is shutting down and takes no new work", { outcome });
}
