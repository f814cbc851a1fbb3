import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EmbeddedEndpoint } from "./endpoint.ts";

/**
 * Writes down how to reach the server, for psql and its like, where only this user can read it; a password belongs in
 * no log. Source: PostgreSQL 18, section 34.17, The Connection Service File.
 */
export function writeServiceFile(folder: string, endpoint: EmbeddedEndpoint): { readonly path: string } & Disposable {
  const path = join(folder, "pg_service.conf");
  const { host, port, user, password, database } = endpoint;
  const lines = ["[deby]", `host=${host}`, `port=${port}`, `dbname=${database}`, `user=${user}`];
  writeFileSync(path, [...lines, `password=${password.reveal()}`, "sslmode=disable", ""].join("\n"), { mode: 0o600 });
  return { path, [Symbol.dispose]: () => rmSync(path, { force: true }) };
}
