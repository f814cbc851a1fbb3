import { freePort } from "./ports.ts";
import { startPostgres } from "./postgres.ts";
import { type PostgresVersion, postgresBinaries } from "./postgres-binaries.ts";
import { signalQuietly } from "./postgres-processes.ts";
import { PostgresServer } from "./postgres-server.ts";
import { postgresUser } from "./postgres-user.ts";
import { runCommand } from "./run-command.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { waitUntil } from "./wait-until.ts";

const STANDBY_NAME = "standby";
const PROMOTED_WITHIN_S = 20;

export interface PairOptions {
  /** Lines for pg_hba.conf, before those that let roles in with their passwords. */
  readonly hba?: string;
}

/** A primary and a hot standby that streams from it: `await using pair = await ReplicatedPair.start(18)`. */
export class ReplicatedPair implements AsyncDisposable {
  /** The first primary; it keeps its name, whatever becomes of it. */
  readonly primary: PostgresServer;
  readonly standby: PostgresServer;
  #stoppedSender: number | undefined;

  static async start(version: PostgresVersion, { hba = "" }: PairOptions = {}): Promise<ReplicatedPair> {
    const primary = await startPostgres({ version, hba: `${hba}\nhost all,replication all all scram-sha-256` });
    try {
      // At rest its data folder is a backup.
      await primary.stop();
      const standby = await copyAsStandby(primary, version);
      const pair = new ReplicatedPair(primary, standby);
      await primary.start();
      await standby.start();
      return pair;
    } catch (error) {
      await primary[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One more hot standby; the caller disposes of it. The primary stands still meanwhile. */
  async addStandby(version: PostgresVersion): Promise<PostgresServer> {
    await this.primary.stop();
    const added = await copyAsStandby(this.primary, version);
    await this.primary.start();
    await added.start();
    return added;
  }

  private constructor(primary: PostgresServer, standby: PostgresServer) {
    this.primary = primary;
    this.standby = standby;
  }

  /** From now on the primary answers no COMMIT before the standby has it, however long that takes. */
  async makeSynchronous(): Promise<void> {
    this.primary.configure({ settings: { synchronous_standby_names: STANDBY_NAME } });
    await this.primary.reload();
    const isSynchronous = async () => {
      const [row] = await this.primary.psql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
      return row !== undefined;
    };
    await waitUntil("the standby is synchronous", isSynchronous);
  }

  /** How many of the primary's sessions wait for the standby in their COMMIT. */
  async waitingForStandby(): Promise<number> {
    const [row] = await this.primary.psql<{ count: number }>(
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
    );
    return row?.count ?? 0;
  }

  /** Makes the standby the primary; the old one must be gone. */
  async promote(): Promise<void> {
    const deadlineMs = PROMOTED_WITHIN_S * 1000 + 5000;
    const [row] = await this.standby.psql<{ promoted: boolean }>(
      `SELECT pg_promote(true, ${PROMOTED_WITHIN_S}) AS promoted`,
      { deadlineMs },
    );
    if (!row?.promoted) throw new Error(`Cannot promote the standby within ${PROMOTED_WITHIN_S} s`);
  }

  /** Waits until the standby has everything that the primary has written so far. */
  async caughtUp(): Promise<void> {
    const [now] = await this.primary.psql<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
    const look = async () => {
      const [row] = await this.standby.psql<{ isThere: boolean }>(
        `SELECT pg_last_wal_replay_lsn() >= '${now?.lsn}' AS "isThere"`,
      );
      return row?.isThere;
    };
    await waitUntil(`the standby has ${now?.lsn}`, look);
  }

  /** From now on the standby receives nothing, though its connection stays; to be ended by `killPrimary()`. */
  async stopReplication(): Promise<void> {
    const [row] = await this.primary.psql<{ pid: number }>("SELECT pid FROM pg_stat_replication");
    if (row === undefined) throw new Error("The standby does not stream");
    process.kill(row.pid, "SIGSTOP");
    this.#stoppedSender = row.pid;
  }

  /** SIGKILL for the primary, which sends nothing any more. */
  async killPrimary(): Promise<void> {
    const killed = this.primary.kill9();
    // A stopped process does not notice that its postmaster is gone.
    if (this.#stoppedSender !== undefined) signalQuietly(this.#stoppedSender, "SIGKILL");
    this.#stoppedSender = undefined;
    await killed;
  }

  /** Exchanges the roles without losing anything: a clean stop, a promotion, and the first primary as the standby. */
  async switchOver(): Promise<void> {
    await this.primary.stop();
    await this.promote();
    this.primary.configure({ settings: streamFrom(this.standby), files: { "standby.signal": "" } });
    await this.primary.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.standby[Symbol.asyncDispose]();
    await this.primary[Symbol.asyncDispose]();
  }
}

function streamFrom({ host, port, user, password }: PostgresServer): Record<string, string> {
  return {
    primary_conninfo: `host=${host} port=${port} user=${user} password=${password} application_name=${STANDBY_NAME}`,
    // A primary that was away is looked for again at once.
    wal_retrieve_retry_interval: "100ms",
  };
}

async function copyAsStandby(primary: PostgresServer, version: PostgresVersion): Promise<PostgresServer> {
  const runAs = postgresUser();
  const bin = await postgresBinaries(version);
  const folder = makeTempFolder(`pg${version}-standby`, { owner: runAs, inMemory: true });
  const standby = new PostgresServer({ folder, bin, runAs, password: primary.password });
  try {
    await runCommand(["cp", "-a", primary.dataDir, standby.dataDir]);
    standby.configure({
      settings: { port: String(await freePort()), ...streamFrom(primary) },
      files: { "standby.signal": "" },
    });
    return standby;
  } catch (error) {
    await standby[Symbol.asyncDispose]();
    throw error;
  }
}
