import { systemRandom } from "../../src/core/random.ts";
import { choosePort } from "../../src/embedded/choose-port.ts";

/** Whoever was given one may listen on it only later, or again. */
const given = new Set<number>();
/** What runs files side by side numbers its workers, and these know nothing of each other: each has a part of its own. */
const WORKERS = 2;
const worker = Number(Bun.env["BUN_TEST_WORKER_ID"] ?? 0) % WORKERS;

/**
 * A TCP port that nobody listens on and that no test of the same file was given, below the range that systems hand out
 * for outgoing connections: from that range a port could be taken by any client while our server is stopped, and a
 * client that dials a closed port of it in a loop may one day connect to itself.
 */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = await choosePort(host, systemRandom);
    if (port % WORKERS !== worker || given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error(`Cannot find a free port on ${host} in 100 attempts`);
}
