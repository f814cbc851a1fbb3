/** The server process behind a connection, as `pg_stat_activity` knows it. */
export interface Backend {
  readonly pid: number;
  /** `backend_start`: process ids are used again. */
  readonly startedAt: string;
  /**
   * Which server it belongs to, by the microsecond of its start: by whatever address, two answers with the same one came
   * from the same start of the same server.
   */
  readonly server: string;
  /** False behind a pooler, whose sessions change their server process as it likes. */
  readonly isDirect: boolean;
}

/** What the proof of a new session asks about its backend. */
export const BACKEND_COLUMNS = `pg_backend_pid() as pid,
  (select backend_start::text from pg_stat_get_activity(pg_backend_pid())) as "startedAt",
  extract(epoch from pg_postmaster_start_time())::text as server`;

export interface BackendRow {
  readonly pid: number;
  readonly startedAt: string | null;
  readonly server: string;
}

/** `keyPid` is what the session's start told: a pooler tells one of its own. */
export function backendOf({ pid, startedAt, server }: BackendRow, keyPid: number): Backend {
  return { pid, startedAt: startedAt ?? "", server, isDirect: pid === keyPid && startedAt !== null };
}

/** Whether they are of different servers for sure. */
export function areTwo(one: Backend, other: Backend): boolean {
  return one.isDirect && other.isDirect && one.server !== other.server;
}
