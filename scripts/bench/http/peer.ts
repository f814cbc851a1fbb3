import { freePort } from "../../../test/support/ports.ts";
import type { PostgresServer } from "../../../test/support/postgres.ts";
import { waitUntil } from "../../../test/support/wait-until.ts";
import type { RunningServer } from "./contender.ts";

/**
 * Starts a peer's server on a free port and resolves when it answers.
 * @throws Error when it ends before, or does not answer in 10 s.
 */
export async function startPeer(
  name: string,
  command: readonly string[],
  server: PostgresServer,
): Promise<RunningServer> {
  const port = await freePort();
  const { PATH } = process.env;
  // Should the bench be killed, the peer goes too.
  const prefix = Bun.which("setpriv") === null ? [] : ["setpriv", "--pdeathsig", "KILL", "--"];
  const child = Bun.spawn([...prefix, ...command], {
    // Drivers read PGHOST and the like, Bun a `.env` in the working directory.
    cwd: "/",
    env: { PATH, NODE_ENV: "production", DATABASE_URL: server.url, PORT: String(port) },
    stdio: ["ignore", 2, 2],
  });
  const running: RunningServer = {
    name,
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
  try {
    await waitUntil(`${name} answers`, async () => child.exitCode !== null || (await fetch(running.url)).status > 0);
    if (child.exitCode !== null) throw new Error(`${name} ended: exit code ${child.exitCode}`);
    return running;
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
}
