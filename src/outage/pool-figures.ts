import type { Clock } from "../core/clock.ts";
import type { ServerAddress } from "./health-watch.ts";
import { HttpClient } from "./http-client.ts";

const READ_LIMIT_MS = 1_000;

/** The pool as the server's admin route tells it; null where it tells nothing. */
export async function readPool(server: ServerAddress, clock: Clock): Promise<unknown> {
  using client = new HttpClient({ host: server.host, port: server.port, clock });
  try {
    const { status, body } = await client.request({ method: "GET", path: "/api/pool", limitMs: READ_LIMIT_MS });
    return status === 200 ? (JSON.parse(body) as unknown) : null;
  } catch {
    return null;
  }
}
