import { DebyError } from "../errors.ts";
import type { Connection } from "./connection.ts";

/**
 * The history that a server which takes writes goes on with. Of two servers of one system, the one with the higher
 * timeline was promoted later. Source: PostgreSQL documentation, timelines.
 */
export interface History {
  /** Made with the cluster, and copied with it; empty where it may not be asked. */
  readonly system: string;
  /** 0 where it is not known. */
  readonly timeline: number;
}

/** The first eight digits of a WAL file's name are its timeline. */
const TIMELINE = "substring(pg_walfile_name(pg_current_wal_lsn()) for 8) as timeline";
const WITH_SYSTEM = `select (select system_identifier::text from pg_control_system()) as system, ${TIMELINE}`;
const ALONE = `select '' as system, ${TIMELINE}`;
/** A server in recovery names no WAL file of its own. */
const SYSTEM = "select system_identifier::text as system, '0' as timeline from pg_control_system()";

/**
 * Asks a server that takes writes.
 * Throws what `Connection.control` throws where the connection is lost, or the deadline passes.
 */
export function historyOf(connection: Pick<Connection, "control">, deadlineAt: number): Promise<History> {
  return ask([WITH_SYSTEM, ALONE], connection, deadlineAt);
}

/** Asks any server, for its system alone. Throws as `historyOf`. */
export async function systemOf(connection: Pick<Connection, "control">, deadlineAt: number): Promise<string> {
  return (await ask([SYSTEM], connection, deadlineAt)).system;
}

async function ask(
  questions: readonly string[],
  connection: Pick<Connection, "control">,
  deadlineAt: number,
): Promise<History> {
  for (const question of questions) {
    try {
      const { rows } = await connection.control<{ system: string; timeline: string }>(question, deadlineAt);
      const [row] = rows;
      if (row !== undefined) return { system: row.system, timeline: Number.parseInt(row.timeline, 16) };
    } catch (error) {
      // Not every role may ask for the system, and not everything that speaks the protocol knows these functions.
      if (!(error instanceof DebyError) || error.outcome !== "rolled-back") throw error;
    }
  }
  return { system: "", timeline: 0 };
}

/** Whether a standby may be following a primary: nothing that is known of the two speaks against it. */
export function mayFollow(standby: History, primary: History): boolean {
  const isSameSystem = standby.system === "" || primary.system === "" || standby.system === primary.system;
  const isSameTimeline = standby.timeline === 0 || primary.timeline === 0 || standby.timeline === primary.timeline;
  return isSameSystem && isSameTimeline;
}

/** Whether history went on without the first: the other was promoted later. */
export function isOlder(one: History | undefined, other: History | undefined): boolean {
  if (one === undefined || other === undefined || one.timeline === 0 || other.timeline === 0) return false;
  return one.system === other.system && one.timeline < other.timeline;
}
