import { once } from "node:events";
import { createServer } from "node:net";

/** Whoever was given one may listen on it only later, or again. */
const given = new Set<number>();
/** What runs files side by side numbers its workers, and these know nothing of each other: each has a part of its own. */
const WORKERS = 2;
const worker = Number(Bun.env["BUN_TEST_WORKER_ID"] ?? 0) % WORKERS;

/**
 * A TCP port that nobody listens on and that no test of the same file was given, below the range that systems hand out for outgoing connections (32768 and up).
 * From that range a port could be taken by any client while our server is stopped,
 * and a client that dials a closed port of it in a loop may one day connect to itself.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 15_000 + WORKERS * Math.floor((Math.random() * 17_000) / WORKERS) + worker;
    if (given.has(port) || !(await isFree(host, port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`Cannot find a free port on ${host} in 100 attempts`);
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  const failed = once(server, "error").then(() => false);
  const listening = once(server, "listening").then(() => true);
  failed.catch(() => {});
  listening.catch(() => {});
  server.listen({ host, port, exclusive: true });
  const free = await Promise.race([failed, listening]);
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}
