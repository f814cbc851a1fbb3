import { join } from "node:path";
import type { DatabaseAddress } from "../bench-database.ts";
import type { FromWorker, Measure, WorkerArguments } from "./protocol.ts";

/** A worker.ts and what it can be told. Disposal ends it. */
export interface WorkerProcess extends AsyncDisposable {
  readonly name: string;
  /** What the contender answered to the same reads as the others. */
  readonly sampleRows: unknown;
  /** Statements a second; undefined where the contender does not take part. One call at a time. */
  readonly measure: (request: Measure) => Promise<number | undefined>;
}

/**
 * Starts the contender's worker and resolves when it has read its first rows.
 * @throws Error when it ends before.
 */
export async function startWorker(contender: string, server: DatabaseAddress): Promise<WorkerProcess> {
  const { host, port, database, user, password, url } = server;
  const args: WorkerArguments = { contender, at: { host, port, database, user, password, url } };
  let next = Promise.withResolvers<FromWorker>();
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "worker.ts"), JSON.stringify(args)], {
    // Drivers read PGHOST and the like, Bun a `.env` in the working directory.
    cwd: "/",
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", 2, 2],
    ipc: (message) => next.resolve(message),
  });
  const ended = child.exited.then((exitCode): never => {
    throw new Error(`The worker of ${contender} ended: exit code ${exitCode}`);
  });
  // Whoever waits for an answer hears of it.
  ended.catch(() => {});

  async function receive<Kind extends FromWorker["kind"]>(kind: Kind): Promise<Extract<FromWorker, { kind: Kind }>> {
    const message = await Promise.race([next.promise, ended]);
    if (message.kind !== kind) throw new Error(`The worker of ${contender} said ${message.kind}, not ${kind}`);
    return message as Extract<FromWorker, { kind: Kind }>;
  }

  const { sampleRows } = await receive("ready");
  return {
    name: contender,
    sampleRows,
    measure: async (request) => {
      next = Promise.withResolvers<FromWorker>();
      child.send(request);
      return (await receive("measured")).perSecond;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
