import { readFileSync } from "node:fs";
import { join } from "node:path";
import postgres from "postgres";
import { type DebyOptions, spawnDeby } from "./executable.ts";
import { freePort } from "./ports.ts";
import type { PostgresServer } from "./postgres-server.ts";
import type { Row } from "./postgres-sql.ts";
import { listProcesses } from "./process-list.ts";
import { ServedDeby } from "./serve.ts";
import { waitUntil } from "./wait-until.ts";

/** A `deby serve --embedded` on a free port, with its data in `dataDir`; ready when health says so. */
export async function serveEmbedded(
  dataDir: string,
  options: DebyOptions & { readonly args?: readonly string[] } = {},
): Promise<ServedDeby> {
  const port = await freePort();
  const args = ["serve", "--embedded", "--data-dir", dataDir, "--port", String(port), ...(options.args ?? [])];
  const process = await spawnDeby(args, options);
  const deby = new ServedDeby(`http://127.0.0.1:${port}`, process);
  try {
    const isUp = async () => (await deby.health()).body["state"] === "up";
    await waitUntil("deby serves on the embedded database", isUp, { deadlineMs: 60_000 });
    return deby;
  } catch (error) {
    await deby[Symbol.asyncDispose]();
    throw new Error(`${(error as Error).message}\n${process.lines.join("\n")}`);
  }
}

/** The process of the embedded server that this deby has; undefined while it has none. */
export async function embeddedPidOf({ process }: ServedDeby): Promise<number | undefined> {
  return listProcesses().find(
    ({ parent, state, command }) =>
      parent === process.pid && !state.startsWith("Z") && command.includes("embedded-server"),
  )?.pid;
}

/** The process, whoever its parent is; one that has ended but was not waited for counts as gone. */
export function isAlive(pid: number): boolean {
  return listProcesses().some((found) => found.pid === pid && !found.state.startsWith("Z"));
}

/** Asks the embedded server whose data is in this folder, in the way that its service file tells. */
export function psqlIn(dataDir: string): Pick<PostgresServer, "psql"> {
  return {
    async psql<T extends Row>(statement: string): Promise<T[]> {
      const text = readFileSync(join(dataDir, "pg_service.conf"), "utf8");
      const read = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
      const address = { host: read("host"), port: Number(read("port")), database: read("dbname") };
      const login = { username: read("user"), password: read("password") };
      const sql = postgres({ ...address, ...login, max: 1, fetch_types: false, onnotice: () => {} });
      try {
        return [...(await sql.unsafe<T[]>(statement).simple())] as unknown as T[];
      } finally {
        await sql.end({ timeout: 1 });
      }
    },
  };
}
