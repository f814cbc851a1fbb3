import { type Clock, sleep } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import type { ServerAddress } from "./health-watch.ts";
import { HttpClient } from "./http-client.ts";
import { Interrupted } from "./interruption.ts";
import { serves } from "./serve-child.ts";
import { withoutLogin } from "./without-login.ts";

/** Long enough for one that has to find the proxy that was started a moment ago. */
const READY_LIMIT_MS = 30_000;
const POLL_EVERY_MS = 100;

/** @throws DebyError USAGE if it is no address of a server */
export function parseServerUrl(text: string): ServerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== "http:" || url.pathname !== "/" || url.search !== "") {
    throw new DebyError(
      "USAGE",
      `--server must be the root of a server, such as http://127.0.0.1:5000, received "${withoutLogin(text)}"`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new DebyError("USAGE", `--server takes no name and password: "${withoutLogin(text)}"`);
  }
  return { host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port || 80) };
}

/** Waits until a server that others started is healthy and has its canary. @throws DebyError CANNOT_RUN; Interrupted */
export async function awaitServer(server: ServerAddress, { clock, signal }: { clock: Clock; signal: AbortSignal }) {
  using client = new HttpClient({ ...server, clock });
  const giveUpAt = clock.now() + READY_LIMIT_MS;
  while (!(await serves(client))) {
    if (signal.aborted) throw new Interrupted();
    if (clock.now() > giveUpAt) {
      throw new DebyError(
        "CANNOT_RUN",
        `The server on ${server.host}:${server.port} is not ready after ${READY_LIMIT_MS / 1_000} s: ` +
          'GET /api/health must say "status": "ok", and GET /api/canary/{id} 200 or 404 (deby serve --canary)',
      );
    }
    await sleep(clock, POLL_EVERY_MS, signal);
  }
}
