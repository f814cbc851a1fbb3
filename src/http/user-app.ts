import type { AnyElysia } from "elysia";
import { awaitEveryHandler } from "./async-handlers.ts";
import { insideOf } from "./elysia-inside.ts";
import type { ProblemHook } from "./problem-hook.ts";

/** A program's own Elysia app, made ready to be served. */
export interface UserApp {
  readonly app: AnyElysia;
  /** Gives it the server and runs its onStart hooks. */
  start(server: Bun.Server<unknown>): void;
  /** Runs its onStop hooks. */
  stop(): Promise<void>;
}

/**
 * Puts our error hook behind all hooks of the program, so that theirs win. A hook added with `onError` reaches only
 * routes that come after it, therefore it is also put into each route, before Elysia compiles them at first use.
 */
export function adoptUserApp(app: AnyElysia, onError: ProblemHook): UserApp {
  for (const { hooks } of app.routes) {
    hooks.error = [...[hooks.error ?? []].flat(), { fn: onError, scope: "local" }];
  }
  awaitEveryHandler(app);
  // The hook itself: of a function that hands on its argument Elysia believes that it uses the whole request.
  app.onError(onError as (failed: unknown) => Response | undefined).compile();
  const inside = insideOf(app);
  return {
    app,
    start(server) {
      inside.server = server;
      for (const { fn } of inside.event.start ?? []) fn(app);
    },
    async stop() {
      inside.server = null;
      for (const { fn } of inside.event.stop ?? []) await fn(app);
    },
  };
}
