import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type AnyElysia, Elysia } from "elysia";
import type { Database } from "../database/database.ts";
import { insideOf } from "./elysia-inside.ts";
import { createIdempotent } from "./idempotent.ts";
import { isReserved } from "./reserved-routes.ts";
import type { RouteContext } from "./route-context.ts";
import { reasonOf, routesError } from "./routes-error.ts";
import { installUserModules } from "./user-modules.ts";

/**
 * Loads a program's routes file at run time, hands it a fresh Elysia app and the database, and returns the app with
 * its routes.
 * @param file Absolute, or relative to the working directory.
 * @throws DebyError ROUTES_INVALID with file, line and reason.
 */
export async function loadUserRoutes(file: string, db: Database): Promise<AnyElysia> {
  const path = resolve(file);
  const define = await importDefault(path);
  const app = await run(path, define, db);
  if (!(app instanceof Elysia)) {
    throw routesError(
      path,
      `the default function has to return the app with its routes; it returned ${typeNameOf(app)}`,
    );
  }
  await settled(path, app);
  for (const { method, path: route } of app.routes) {
    if (!isReserved(route)) continue;
    throw routesError(path, `${method} ${route} is deby's own route; give yours another path`);
  }
  return app;
}

type DefineRoutes = (context: RouteContext) => unknown;

async function importDefault(path: string): Promise<DefineRoutes> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) throw routesError(path, found === undefined ? "there is no such file" : "it is not a file");
  installUserModules();
  let module: { readonly default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw routesError(path, reasonOf(error), error);
  }
  const define = module.default;
  if (define === undefined) throw routesError(path, "it has no default export; export default ({ app, db }) => app");
  if (typeof define !== "function") {
    throw routesError(
      path,
      `its default export has to be a function that receives { app, db }, not ${typeNameOf(define)}`,
    );
  }
  return define as DefineRoutes;
}

async function run(path: string, define: DefineRoutes, db: Database): Promise<unknown> {
  // `standardHostname: false`, or Elysia mistakes the host for the path where it is a single letter.
  const app = new Elysia({ handler: { standardHostname: false } });
  try {
    return await define({ app, db, idempotent: createIdempotent(db) });
  } catch (error) {
    throw routesError(path, `its default function failed: ${reasonOf(error)}`, error);
  }
}

/** Plugins may come later; Elysia only prints it when one of them fails. */
async function settled(path: string, app: AnyElysia): Promise<void> {
  try {
    await Promise.all(insideOf(app).promisedModules.promises);
    await app.modules;
  } catch (error) {
    throw routesError(path, `one of its plugins failed: ${reasonOf(error)}`, error);
  }
  if (app.server === null) return;
  await app.stop(true);
  throw routesError(path, "it calls listen(); deby serve is what listens");
}

function typeNameOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? (value.constructor?.name ?? "an object") : typeof value;
}
