import type { Connection } from "./connection.ts";

/** For one question to a server that has just answered, in milliseconds. */
const LIMIT_MS = 500;

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

/** Asks a server that takes writes; never throws. */
export async function historyOf(connection: Pick<Connection, "control">, now: number): Promise<History> {
  for (const question of [WITH_SYSTEM, ALONE]) {
    try {
      const { rows } = await connection.control<{ system: string; timeline: string }>(question, now + LIMIT_MS);
      const [row] = rows;
      if (row !== undefined) return { system: row.system, timeline: Number.parseInt(row.timeline, 16) };
    } catch {
      // Not every role may ask for the system, and not everything that speaks the protocol knows these functions.
    }
  }
  return { system: "", timeline: 0 };
}

/** Whether history went on without the first: the other was promoted later. */
export function isOlder(one: History | undefined, other: History | undefined): boolean {
  if (one === undefined || other === undefined || one.timeline === 0 || other.timeline === 0) return false;
  return one.system === other.system && one.timeline < other.timeline;
}
