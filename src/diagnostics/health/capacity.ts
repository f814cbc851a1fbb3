import { sqlName } from "../shell.ts";
import type { Scene, Server } from "./scene.ts";

/** Who has how many connections. */
interface Holder {
  readonly user: string | null;
  readonly application: string | null;
  readonly connections: number;
}

/** How many connections there may be, and how many there are. A limit below 0 is none. */
export interface Capacity {
  readonly maxConnections: number;
  /** Kept for superusers and, from 16 on, for pg_use_reserved_connections. */
  readonly reserved: number;
  readonly used: number;
  readonly roleLimit: number;
  readonly roleUsed: number;
  readonly databaseLimit: number;
  readonly databaseUsed: number;
  /** The greatest first. */
  readonly holders: readonly Holder[];
}

/** One of the limits that connections come up against. */
export interface Slots {
  readonly used: number;
  readonly limit: number;
  /** Whose limit it is, in words. */
  readonly of: string;
}

// Whoever may not see others' sessions still sees that they are there, but not of which type. Our own does not count:
// it is gone in a moment.
const QUESTION = `with sessions as (
    select usename, datname, application_name from pg_stat_activity
    where usesysid is not null and datid is not null and coalesce(backend_type, 'client backend') = 'client backend'
      and pid <> pg_backend_pid()
  ), holders as (
    select usename as "user", application_name as application, count(*)::int as connections
    from sessions group by 1, 2 order by 3 desc limit 6
  )
  select current_setting('max_connections')::int as "maxConnections",
    current_setting('superuser_reserved_connections')::int
      + coalesce(current_setting('reserved_connections', true)::int, 0) as reserved,
    (select count(*)::int from sessions) as used,
    (select case when rolsuper then -1 else rolconnlimit end from pg_roles where rolname = current_user) as "roleLimit",
    (select count(*)::int from sessions where usename = current_user) as "roleUsed",
    (select datconnlimit from pg_database where datname = current_database()) as "databaseLimit",
    (select count(*)::int from sessions where datname = current_database()) as "databaseUsed",
    (select coalesce(json_agg(holders), '[]') from holders) as holders`;

export async function readCapacity({ ask }: Server): Promise<Capacity> {
  const [capacity] = await ask<Capacity>(QUESTION);
  if (capacity === undefined) throw new Error("The server answered no row");
  return capacity;
}

/** Every limit there is, the tightest first. */
export function slotsOf(capacity: Capacity, { subject }: Scene): readonly [Slots, ...Slots[]] {
  const { user, database } = subject.target;
  const { maxConnections, reserved, used } = capacity;
  const all = {
    used,
    limit: maxConnections - reserved,
    of: `max_connections ${maxConnections} less ${reserved} reserved`,
  };
  const role = { used: capacity.roleUsed, limit: capacity.roleLimit, of: `the limit of role ${sqlName(user)}` };
  const shop = {
    used: capacity.databaseUsed,
    limit: capacity.databaseLimit,
    of: `the limit of database ${sqlName(database)}`,
  };
  const own = [role, shop].filter(({ limit }) => limit >= 0);
  return [all, ...own].sort((a, b) => a.limit - a.used - (b.limit - b.used)) as [Slots, ...Slots[]];
}

/** The least of the limits: more than this the server never gives us. */
export function leastLimit(capacity: Capacity, scene: Scene): Slots {
  const [first, ...rest] = slotsOf(capacity, scene);
  return rest.reduce((least, slots) => (slots.limit < least.limit ? slots : least), first);
}
