import type { AnyElysia, InternalRoute } from "elysia";

/** Those that Elysia awaits only where it takes them for asynchronous. */
const AWAITED_HOOKS = ["transform", "beforeHandle", "afterHandle"] as const;

/**
 * Makes Elysia await every handler and hook of these routes. It guesses from a function's source whether it is
 * asynchronous, and its pattern (1.4.30, `isAsync` in compose) does not know a promise that a tagged template returns:
 * of ``() => db.read`select …` `` it would check the promise against the schema, and no error hook would hear of its
 * failure. It asks `toString()` for the source, so that is where it is told.
 */
export function awaitEveryHandler(app: AnyElysia): void {
  for (const { handler, hooks } of app.routes) {
    if (typeof handler === "function") passForAsync(handler);
    for (const { fn } of awaitedHooks(hooks)) passForAsync(fn);
  }
}

function awaitedHooks(hooks: InternalRoute["hooks"]): { readonly fn: object }[] {
  return AWAITED_HOOKS.flatMap((name) => [hooks[name] ?? []].flat());
}

function passForAsync(fn: object): void {
  const source = fn.toString();
  if (source.startsWith("async")) return;
  Object.defineProperty(fn, "toString", { value: () => `async ${source}`, configurable: true });
}
