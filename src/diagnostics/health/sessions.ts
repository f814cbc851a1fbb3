import type { Finding } from "../check.ts";
import type { Scene } from "./scene.ts";
import { count, mayNotRead } from "./words.ts";

/** A session of interest, or one that we may not look at. */
export interface SessionRow {
  readonly pid: number;
  readonly user: string;
  readonly application: string;
  readonly state: string;
  readonly seconds: number;
  readonly query: string;
  /** `query_start` as the server writes it. */
  readonly startedAt: string;
  readonly isHidden: boolean;
}

/** Without pg_read_all_stats a role sees of others' sessions that they exist, and little more. */
const IS_HIDDEN =
  "(state is null and query = '<insufficient privilege>' and usesysid is not null and datid is not null)";

/** Sessions for which `condition` holds, the longest first; `since` is the moment from which `seconds` counts. */
export function sessionsQuestion(since: string, condition: string): string {
  return `select pid, usename as "user", application_name as application, state, query, query_start::text as "startedAt",
      greatest(0, extract(epoch from clock_timestamp() - ${since}))::float8 as seconds, ${IS_HIDDEN} as "isHidden"
    from pg_stat_activity
    where pid <> pg_backend_pid() and (${IS_HIDDEN} or backend_type = 'client backend' and ${condition})
    order by ${since} nulls last`;
}

export function split(rows: readonly SessionRow[]): { readonly seen: readonly SessionRow[]; readonly hidden: number } {
  const seen = rows.filter(({ isHidden }) => !isHidden);
  return { seen, hidden: rows.length - seen.length };
}

/** What is not seen is not known to be well. */
export function hiddenSessions(hidden: number, scene: Scene): Finding {
  return mayNotRead(`${count(hidden, "session")} of other roles cannot be looked at`, scene);
}

/** `pid 4711 (app, deby)`. */
export function nameOf({ pid, user, application }: Pick<SessionRow, "pid" | "user" | "application">): string {
  return `pid ${pid} (${[user, application].filter(Boolean).join(", ")})`;
}
