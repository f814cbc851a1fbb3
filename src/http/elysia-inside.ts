import type { AnyElysia, TSchema } from "elysia";

type Hook = { readonly fn: (app: AnyElysia) => unknown };

/** The parts of an Elysia app that its types do not open, as version 1.4 has them. */
export interface ElysiaInside {
  server: Bun.Server<unknown> | null;
  /** Plugins that are still on their way. */
  readonly promisedModules: { readonly promises: readonly Promise<unknown>[] };
  /** Models by name. */
  readonly definitions: { readonly type: Record<string, TSchema> };
  readonly event: { readonly start?: readonly Hook[]; readonly stop?: readonly Hook[] };
}

export function insideOf(app: AnyElysia): ElysiaInside {
  return app as unknown as ElysiaInside;
}
