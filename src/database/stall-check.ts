import { type Clock, sleep } from "../core/clock.ts";
import type { Backend } from "./backend.ts";
import type { Connection } from "./connection.ts";
import { MARK_LOCK } from "./mark-lock.ts";
import { nextAskMs, type Stall } from "./stall-detector.ts";

/** Pause between the two looks at a backend, in milliseconds. */
const LOOK_PAUSE_MS = 300;
/** After a check that told nothing, in milliseconds. */
const AGAIN_MS = 500;
/** Limit of each look. The server has just answered a whole handshake. */
const LOOK_LIMIT_MS = 1000;

/** What `pg_stat_activity` tells of a backend. */
export interface BackendLook {
  readonly pid: number;
  readonly startedAt: string;
  /** Null where the role may not see it. */
  readonly state: string | null;
  readonly stateChange: string | null;
  readonly waitEvent: string | null;
}

const LOOK_COLUMNS = `a.pid, a.backend_start::text as "startedAt", a.state, a.state_change::text as "stateChange",
  a.wait_event as "waitEvent"`;

/**
 * - `working`: on our statement; it is left alone
 * - `dead`: it is not at work on a statement and waits for us, so that no answer will ever come over this connection
 * - `blocked`: it has an answer and cannot send it; dead, if that lasts
 * - `answered`: it had a statement and has none any more, so that the answer should be here in a moment
 */
export type BackendVerdict = "working" | "dead" | "blocked" | "answered";

/** Judges a backend by two looks at least 250 ms apart; undefined where there was none. Pure. */
export function judge(first: BackendLook | undefined, second: BackendLook | undefined): BackendVerdict {
  if (first === undefined && second === undefined) return "dead";
  if (first === undefined) return "working";
  if (second === undefined) return "answered";
  const isIdle = isWaitingForUs(second);
  const isSame = first.stateChange === second.stateChange && first.state === second.state;
  if (isIdle) return isSame && isWaitingForUs(first) ? "dead" : "answered";
  if (!isSame) return "working";
  return first.waitEvent === "ClientWrite" && second.waitEvent === "ClientWrite" ? "blocked" : "working";
}

type Prober = Pick<Connection, "backend" | "control">;
type Stalled = Pick<Connection, "backend" | "markLock" | "destroy" | "isBusy" | "chunksReceived">;

export interface StallCheckDeps<C> {
  readonly clock: Clock;
  readonly stallAfterMs: number;
  readonly takeDue: () => readonly Stall<C>[];
  readonly isStalled: (stall: Stall<C>) => boolean;
}

/**
 * Asks a server that has just proven itself about the backends whose answers do not come, and gives up the connections
 * that are dead. No verdict where the answer may be about another server, or about another backend behind a pooler; but
 * a transaction with a lock of its own is known by that: where nobody has it, the transaction is over, or the statement
 * that takes it has never arrived. Should a pooler have asked another server, it is begun again in vain.
 * Throws when the probe's connection is lost meanwhile; nothing is given up then.
 */
export async function checkStalls<C extends Stalled>(
  probe: Prober,
  { clock, stallAfterMs, takeDue, isStalled }: StallCheckDeps<C>,
  signal: AbortSignal,
): Promise<void> {
  const known = takeDue().filter(({ connection }) => isKnown(connection, probe.backend));
  if (known.length === 0) return;
  // Should it come to nothing, it is tried again soon.
  for (const stall of known) stall.askAtMs = Math.min(stall.askAtMs, stall.stalledMs + AGAIN_MS);
  const first = await look(probe, known, clock);
  await sleep(clock, LOOK_PAUSE_MS, signal);
  if (signal.aborted) return;
  const second = await look(probe, known, clock);
  const dead = known.filter((stall) => {
    const verdict = judge(first.get(keyOf(stall)), second.get(keyOf(stall)));
    if (verdict !== "blocked") stall.blockedSinceMs = undefined;
    if (verdict === "working") stall.askAtMs = nextAskMs(stall.stalledMs, stallAfterMs);
    if (verdict !== "blocked") return verdict === "dead";
    stall.blockedSinceMs ??= stall.stalledMs;
    if (stall.stalledMs - stall.blockedSinceMs >= stallAfterMs) return true;
    stall.askAtMs = stall.blockedSinceMs + stallAfterMs;
    return false;
  });
  // What has answered since the looks is not dead.
  const lost = dead.filter(isStalled);
  for (const { connection } of lost) {
    connection.destroy("DATABASE_UNAVAILABLE", "The server's answer got lost on its way");
  }
  // Whoever has a lock of its own is ended by whoever runs its work again.
  const direct = lost.filter(({ connection }) => connection.backend.isDirect);
  await end(probe, direct, clock);
}

function isKnown({ backend, markLock }: Pick<Connection, "backend" | "markLock">, prober: Backend): boolean {
  return markLock !== undefined || isSame(backend, prober);
}

/** Whether what the prober's server says about this backend is about this backend. */
function isSame(backend: Backend, prober: Backend): boolean {
  return backend.isDirect && backend.server === prober.server;
}

/** In the middle of a statement that comes in several messages it calls itself active. */
function isWaitingForUs({ state, waitEvent }: BackendLook): boolean {
  return state?.startsWith("idle") === true || (state === "active" && waitEvent === "ClientRead");
}

function keyOf({ connection }: { readonly connection: Pick<Connection, "backend" | "markLock"> }): string {
  const { backend, markLock } = connection;
  return markLock === undefined ? `${backend.pid} ${backend.startedAt}` : `lock ${markLock >>> 0}`;
}

async function look<C extends Stalled>(
  probe: Prober,
  stalls: readonly Stall<C>[],
  clock: Clock,
): Promise<Map<string, BackendLook>> {
  const limitAt = clock.now() + LOOK_LIMIT_MS;
  const locks = stalls.flatMap(({ connection: { markLock } }) => (markLock === undefined ? [] : [markLock >>> 0]));
  const pids = stalls.flatMap(({ connection: { markLock, backend } }) => (markLock === undefined ? [backend.pid] : []));
  const looks = new Map<string, BackendLook>();
  if (locks.length > 0) {
    const { rows } = await probe.control<BackendLook & { lock: string }>(
      `select l.objid::text as lock, ${LOOK_COLUMNS} from pg_locks l join pg_stat_activity a on a.pid = l.pid
        where l.locktype = 'advisory' and l.objsubid = 2 and l.classid::bigint = ${MARK_LOCK}
        and l.objid::bigint in (${locks.join(", ")})`,
      limitAt,
    );
    for (const row of rows) looks.set(`lock ${row.lock}`, row);
  }
  if (pids.length > 0) {
    const { rows } = await probe.control<BackendLook>(
      `select ${LOOK_COLUMNS} from pg_stat_activity a where a.pid in (${pids.join(", ")})`,
      limitAt,
    );
    for (const row of rows) looks.set(`${row.pid} ${row.startedAt}`, row);
  }
  return looks;
}

/** A backend that nobody will ever hear of again would keep its locks for as long as the network's timeouts last. */
async function end<C extends Stalled>(probe: Prober, dead: readonly Stall<C>[], clock: Clock): Promise<void> {
  if (dead.length === 0) return;
  const pairs = dead.map(({ connection: { backend } }) => `(${backend.pid}, '${backend.startedAt}'::timestamptz)`);
  await probe.control(
    `select pg_terminate_backend(pid) from pg_stat_activity where (pid, backend_start) in (${pairs.join(", ")})
      and (state <> 'active' or wait_event in ('ClientRead', 'ClientWrite'))`,
    clock.now() + LOOK_LIMIT_MS,
  );
}
