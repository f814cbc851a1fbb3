import { join } from "node:path";
import type { DatabaseAddress } from "../bench-database.ts";
import type { FromWorker, Measured, ToWorker, WorkerArguments } from "./protocol.ts";
import type { PoolCell } from "./report.ts";

/** A worker.ts and what it can be told. Disposal ends it. */
export interface WorkerProcess extends AsyncDisposable {
  readonly name: string;
  /** What the contender answered to the same reads as the others. */
  readonly sampleRows: unknown;
  /** Opens fresh connections for a cell and warms them up; whether the contender takes part. One call at a time. */
  readonly open: (cell: PoolCell, warmUpMs: number) => Promise<boolean>;
  /** Loads what is open. */
  readonly measure: (durationMs: number) => Promise<Measured>;
  readonly close: () => Promise<void>;
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

  async function ask<Kind extends FromWorker["kind"]>(order: ToWorker, kind: Kind) {
    next = Promise.withResolvers<FromWorker>();
    child.send(order);
    return await receive(kind);
  }

  const { sampleRows } = await receive("ready");
  return {
    name: contender,
    sampleRows,
    open: async ({ workload, concurrency }, warmUpMs) =>
      (await ask({ kind: "open", workload, concurrency, warmUpMs }, "opened")).takesPart,
    measure: (durationMs) => ask({ kind: "slice", durationMs }, "measured"),
    close: async () => {
      await ask({ kind: "close" }, "closed");
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}
