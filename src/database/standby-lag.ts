import type { Clock } from "../core/clock.ts";
import { type History, historyOf, mayFollow, systemOf } from "./history.ts";
import type { HostConnection } from "./hosts.ts";
import { QuestionLine } from "./question-line.ts";
import { ReplicaLag } from "./replica-lag.ts";
import type { System } from "./system.ts";

/** For one question of a measurement, in milliseconds. */
const ASK_LIMIT_MS = 1000;

const PRIMARY_POSITION = "select (pg_current_wal_lsn() - '0/0')::text as position";
/**
 * The timeline that it receives is told only to roles that have pg_read_all_stats. What every role may ask,
 * `pg_control_checkpoint()` and `pg_control_recovery()`, names the old one for minutes after it has followed a promotion.
 */
const STANDBY_POSITION = `select (pg_last_wal_replay_lsn() - '0/0')::text as position, pg_is_in_recovery() as "isStandby",
  (select received_tli from pg_stat_wal_receiver) as timeline`;

type Whom = "primary" | "standby";

interface Position {
  readonly position: string | null;
  readonly isStandby?: boolean;
  readonly timeline?: number | null;
}

/** What is asked once of each start of a server: both stay the same until the next one, or its promotion. */
interface KnownHistory extends History {
  readonly server: string;
}

export interface StandbyLagDeps {
  readonly clock: Clock;
  readonly primary: Pick<System, "open" | "isOurs">;
  readonly standby: Pick<System, "open" | "isOurs">;
}

/**
 * Measures how far a standby is behind the primary, and whether it follows that one at all: on another branch of history
 * its position says nothing.
 */
export class StandbyLag {
  readonly #deps: StandbyLagDeps;
  readonly #lines: Record<Whom, QuestionLine<HostConnection>>;
  readonly #known: { [Who in Whom]?: KnownHistory } = {};
  readonly #lag = new ReplicaLag();
  #isApart = false;
  /** Whose position is known. */
  #measured: HostConnection | undefined;

  constructor(deps: StandbyLagDeps, signal: AbortSignal) {
    this.#deps = deps;
    const { clock, primary, standby } = deps;
    // Of its own, so that a primary whose pool is full makes no standby look late.
    const lineTo = ({ open }: Pick<System, "open">) =>
      new QuestionLine(clock, (deadlineAt) => open(deadlineAt, signal));
    this.#lines = { primary: lineTo(primary), standby: lineTo(standby) };
  }

  /** Milliseconds that the standby's data is old at most; Infinity where that is not known. */
  lagMs(now: number): number {
    const isMeasured = this.#measured !== undefined && this.#deps.standby.isOurs(this.#measured);
    return isMeasured ? this.#lag.lagMs(now) : Number.POSITIVE_INFINITY;
  }

  /** Whether the standby was seen on another history than the primary's. */
  get isApart(): boolean {
    return this.#isApart;
  }

  /** Asks both once. A standby that was promoted is no longer one. */
  async measure(): Promise<"measured" | "promoted"> {
    // The standby first: what follows a primary is never ahead of where that one is afterwards.
    const theirs = await this.#ask("standby", STANDBY_POSITION).catch(() => undefined);
    const at = this.#deps.clock.now();
    const ours = await this.#ask("primary", PRIMARY_POSITION).catch(() => undefined);
    if (theirs?.isStandby === false) return "promoted";
    if (ours === undefined || theirs === undefined) return "measured";
    this.#lag.between(ours.history.server, theirs.history.server);
    this.#measured = theirs.connection;
    if (theirs.position !== undefined && ours.position !== undefined && theirs.position > ours.position) {
      this.#lag.part();
    }
    const canFollow = mayFollow(theirs.history, ours.history);
    this.#isApart = this.#lag.isApart || !canFollow;
    if (!canFollow) {
      this.#lag.forget();
      return "measured";
    }
    if (ours.position !== undefined) this.#lag.notePrimary(at, ours.position);
    if (theirs.position !== undefined) this.#lag.noteStandby(theirs.position);
    return "measured";
  }

  async hangUp(): Promise<void> {
    await Promise.all([this.#lines.primary.hangUp(), this.#lines.standby.hangUp()]);
  }

  /** Undefined where there is no connection; one that leads to a server which we have left is not used again. */
  async #ask(whom: Whom, text: string) {
    const { [whom]: system, clock } = this.#deps;
    const line = this.#lines[whom];
    const deadlineAt = clock.now() + ASK_LIMIT_MS;
    const connection = await line.connection(deadlineAt);
    if (connection === undefined) return undefined;
    if (!system.isOurs(connection)) {
      await line.hangUp();
      return undefined;
    }
    const { rows } = await connection.control<Position>(text, deadlineAt);
    const [row] = rows;
    if (row === undefined) return undefined;
    const known = await this.#historyOf(whom, connection, deadlineAt);
    return {
      connection,
      isStandby: row.isStandby,
      position: row.position === null ? undefined : BigInt(row.position),
      history: { ...known, timeline: row.timeline ?? known.timeline },
    };
  }

  async #historyOf(whom: Whom, connection: HostConnection, deadlineAt: number): Promise<KnownHistory> {
    const { server } = connection.backend;
    const known = this.#known[whom];
    if (known?.server === server) return known;
    const history =
      whom === "primary"
        ? await historyOf(connection, deadlineAt)
        : { system: await systemOf(connection, deadlineAt), timeline: 0 };
    const fresh = { server, ...history };
    this.#known[whom] = fresh;
    return fresh;
  }
}
