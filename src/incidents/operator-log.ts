import { formatDuration } from "../config/duration.ts";
import type { DatabaseTarget, PoolSettings } from "../config/types.ts";
import type { Log } from "../core/log.ts";
import type { Database } from "../database/database.ts";
import { addressLabel } from "../database/dial.ts";
import type { Reason } from "../database/events.ts";
import { describeReason } from "../database/sqlstate.ts";

export interface OperatorLogOptions {
  readonly log: Log;
  readonly target: DatabaseTarget;
  readonly settings: PoolSettings;
  /** Without it, an operator who has no PostgreSQL is told that deby can bring one. */
  readonly isEmbedded: boolean;
  /** What causes a trouble, and what is typed first to mend it; undefined where nobody can tell. */
  readonly advise?: ((reason: Reason) => Advice | undefined) | undefined;
}

interface Advice {
  readonly cause: string;
  readonly command: string | undefined;
}

const RESOLVED = {
  committed: "it was committed",
  "not-committed": "it was not committed, the work has run again",
  unknown: "not known in time whether it was committed",
} as const;

/** `localhost:5432/shop`, never with a password. */
function targetLabel({ hosts, database }: DatabaseTarget): string {
  return `${hosts.map(addressLabel).join(",")}/${database}`;
}

/**
 * Tells the operator what becomes of the database: transitions and counted attempts, not each failure, in the order
 * and the words that the operator's view of the service promises. Returns the function that stops it.
 */
export function logDatabase(
  db: Database,
  { log, target, settings, isEmbedded, advise }: OperatorLogOptions,
): () => void {
  const where = targetLabel(target);
  let isFirstConnection = true;
  let isReadOnly = false;
  log.info("db.connecting", `Connecting to PostgreSQL (${where})`);
  function tellWhatToDo(advice: Advice | undefined): void {
    if (advice?.command === undefined) return;
    const { command } = advice;
    log.info("db.advice", `First: ${command}. \`deby check\` tells more`, { command });
  }
  const stops = [
    db.on("connected", ({ version, connectMs, address }) => {
      const fields = { version, connectMs: Math.round(connectMs), address };
      log.success("db.connected", `Connection established: PostgreSQL ${version}, ${Math.round(connectMs)} ms`, fields);
      if (isFirstConnection) log.info("db.name", `Database: ${target.database}`, { database: target.database });
      isFirstConnection = false;
    }),
    db.on("moved", ({ from, to }) => {
      log.warn("db.moved", `Another server is used now: ${to} instead of ${from}`, { from, to });
    }),
    db.on("standbyReads", ({ isUsed, address, state, lagMs, isApart }) => {
      const fields = { address, state: state.name, ...(Number.isFinite(lagMs) ? { lagMs: Math.round(lagMs) } : {}) };
      if (isUsed) log.info("db.standby-used", `Reads go to the standby ${address}`, fields);
      else if (state.name === "up" && isApart)
        log.warn(
          "db.standby-apart",
          `The standby ${address} does not follow the primary, reads go to the primary. If that lasts, make it anew`,
          fields,
        );
      else if (state.name === "up")
        log.warn("db.standby-late", `The standby ${address} lags, reads go to the primary`, fields);
      else log.warn("db.standby-lost", "No standby to read from, reads go to the primary", fields);
    }),
    db.on("hostRefused", (refused) => {
      const { address, timeline, used, usedTimeline } = refused;
      const fields = { ...refused };
      log.error(
        "db.host-refused",
        `Two servers take writes: ${used} (timeline ${usedTimeline}) is used, ${address} (timeline ${timeline}) is not. ` +
          "Stop that one before anybody writes to it",
        fields,
      );
    }),
    db.on("heartbeatFailed", ({ reason }) => {
      log.warn("heartbeat.failed", `Heartbeat failed: ${describeReason(reason)}`, { code: reason.code });
    }),
    db.on("leaseWarning", ({ heldMs, where }) => {
      const fields = { heldMs: Math.round(heldMs), where };
      log.warn("db.lease", `A connection has been held for ${(heldMs / 1000).toFixed(1)} s by ${where}`, fields);
    }),
    db.on("transition", ({ from, to }) => {
      const why = "reason" in to && to.reason ? `: ${describeReason(to.reason)}` : "";
      const code = "reason" in to ? { code: to.reason?.code } : {};
      switch (to.name) {
        case "reconnecting":
          if (from.name === "down" || from.name === "blocked") return;
          log.error("db.lost", `Connection to PostgreSQL lost${why}`, code);
          log.info("db.reconnecting", "Attempting to reconnect");
          return;
        case "down": {
          const every = formatDuration(settings.retryIntervalMs);
          const advice = advise?.(to.reason);
          const what = advice === undefined ? "; `deby check` tells what is wrong" : `. ${advice.cause}`;
          log.error("db.down", `Not reconnected, trying every ${every}${what}`, code);
          tellWhatToDo(advice);
          if (!isFirstConnection || isEmbedded) return;
          log.info(
            "db.embedded",
            "No PostgreSQL at hand? `deby serve --embedded` brings one, for trying and for tests",
          );
          return;
        }
        case "blocked": {
          const every = formatDuration(settings.retryIntervalMs);
          const advice = advise?.(to.reason);
          const what = advice === undefined ? "; `deby check` tells how to mend it" : `. ${advice.cause}`;
          log.error("db.blocked", `The server refuses us${why}; trying every ${every}${what}`, code);
          tellWhatToDo(advice);
          return;
        }
        case "read-only":
          if (!isReadOnly) log.warn("db.read-only", `Connected, but read-only${why}; writes wait for 20 s`, code);
          isReadOnly = true;
          return;
        case "up":
          if (isReadOnly) log.success("db.writable", "The server takes writes");
          isReadOnly = false;
          return;
        default:
          return;
      }
    }),
    db.on("attempt", ({ attempt, of }) => {
      if (attempt > 1 && attempt <= of) log.info("db.attempt", `Connection attempt ${attempt}/${of}`, { attempt, of });
    }),
    db.on("attemptFailed", ({ attempt, of, reason, retryInMs }) => {
      const count = attempt <= of ? `${attempt}/${of}` : `${attempt}`;
      const fields = { attempt, of, code: reason.code, retryInMs: Math.round(retryInMs) };
      log.warn("db.attempt-failed", `Connection attempt ${count} failed: ${describeReason(reason)}`, fields);
      if (attempt < of) log.info("db.retry", `Retrying in ${inSeconds(retryInMs)}`, { retryInMs: fields.retryInMs });
    }),
    db.on("outcomeResolved", ({ outcome, durationMs }) => {
      const fields = { outcome, durationMs: Math.round(durationMs) };
      const text = `A COMMIT that was not answered: ${RESOLVED[outcome]} (${fields.durationMs} ms)`;
      if (outcome === "unknown") log.warn("outcome.resolved", text, fields);
      else log.info("outcome.resolved", text, fields);
    }),
    db.on("keysPruned", ({ count }) => {
      log.debug(
        "outcome.pruned",
        `Deleted ${plural(count, "key")} older than ${formatDuration(settings.keyRetentionMs)}`,
        { count },
      );
    }),
    db.on("recovered", ({ outageMs, attempts, held, failed }) => {
      const fields = { outageMs: Math.round(outageMs), attempts, held, failed };
      const counts = `${plural(attempts, "attempt")}, ${plural(held, "request")} held, ${failed} failed`;
      log.success("db.reconnected", `Reconnected after ${(outageMs / 1000).toFixed(1)} s: ${counts}`, fields);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

function inSeconds(ms: number): string {
  return plural(Math.round(ms / 100) / 10, "second");
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
