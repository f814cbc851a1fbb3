import type { Subject } from "../../../../src/diagnostics/check.ts";
import type { Scene } from "../../../../src/diagnostics/health/scene.ts";
import type { Limits } from "../../../../src/diagnostics/health/table.ts";
import { targetAt } from "../../../support/settings.ts";

const AT = { host: "db.example.com", port: 5432 };

/** What a verdict may depend on: a Linux machine, and a server of version 18 elsewhere. */
export function sceneOf({ limits = {} }: { readonly limits?: Limits }, changes: Partial<Subject> = {}): Scene {
  const target = targetAt(5432, { hosts: [AT], user: "app", database: "shop" });
  const subject: Subject = { target, settings: [], warnings: [], connectTimeoutMs: 5_000, os: "linux", ...changes };
  return { subject, limits, version: 18, at: AT };
}
