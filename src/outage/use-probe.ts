import type postgres from "postgres";
import { connectDriver, orLate } from "./driver.ts";
import { type ProbeOptions, probeRaw } from "./raw-probe.ts";
import type { DatabaseEndpoint } from "./target.ts";
import { tryLogin } from "./try-login.ts";

/** Logging in on a busy machine is within it. */
const LIMIT_MS = 2_000;

/** What proves that sessions are of use: that one is offered, that one can log in, that one can write. */
export type ProofOfUse = "session" | "login" | "write";

/** Asks a database that offers sessions whether they are of use, and owes nothing to the server under test. */
export interface UseProbe extends AsyncDisposable {
  /** Never rejects. */
  isUsable(): Promise<boolean>;
}

export function openUseProbe(proof: ProofOfUse, database: DatabaseEndpoint & Pick<ProbeOptions, "asks">): UseProbe {
  switch (proof) {
    case "session":
      return withoutState(async () => (await probeRaw({ ...database, limitMs: LIMIT_MS })) === "ready");
    case "login":
      return withoutState(async () => (await tryLogin(database)) === "in");
    case "write":
      return new WriteProbe(database);
    default:
      return proof satisfies never;
  }
}

function withoutState(isUsable: () => Promise<boolean>): UseProbe {
  return { isUsable, async [Symbol.asyncDispose]() {} };
}

/** Keeps its session, as the server under test does: logging in anew would take longer than what is measured. */
class WriteProbe implements UseProbe {
  readonly #database: DatabaseEndpoint;
  #sql: postgres.Sql | undefined;

  constructor(database: DatabaseEndpoint) {
    this.#database = database;
  }

  async isUsable(): Promise<boolean> {
    this.#sql ??= connectDriver(this.#database, LIMIT_MS);
    try {
      const question = this.#sql<{ isWritable: boolean }[]>`
        select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as "isWritable"`;
      const [row] = await orLate(question.execute(), AbortSignal.timeout(LIMIT_MS));
      return row?.isWritable === true;
    } catch {
      await this[Symbol.asyncDispose]();
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sql = this.#sql;
    this.#sql = undefined;
    await sql?.end({ timeout: 0 }).catch(() => {});
  }
}
