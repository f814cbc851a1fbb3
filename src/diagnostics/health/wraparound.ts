import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { grade, listed, manual, psql } from "./words.ts";

export interface WraparoundRow {
  readonly database: string;
  /** Transactions since its oldest unfrozen row. */
  readonly xidAge: number;
  /** The same for row locks that several transactions share. */
  readonly multixactAge: number;
}

/** What keeps old rows from being frozen. */
export interface HolderRow {
  readonly what: string;
  readonly age: number;
}

export interface WraparoundFacts {
  readonly databases: readonly WraparoundRow[];
  readonly holders: readonly HolderRow[];
}

const DATABASES = `select datname as database, age(datfrozenxid)::float8 as "xidAge",
    mxid_age(datminmxid)::float8 as "multixactAge"
  from pg_database order by greatest(age(datfrozenxid), mxid_age(datminmxid)) desc`;

// Others' sessions are left out where they may not be seen: they explain the finding, and do not make it.
const HOLDERS = `select * from (
    select 'the session with pid ' || pid as what, greatest(age(backend_xmin), age(backend_xid))::float8 as age
      from pg_stat_activity where coalesce(backend_xmin, backend_xid) is not null and pid <> pg_backend_pid()
    union all
    select 'the prepared transaction ' || gid, age(transaction)::float8 from pg_prepared_xacts
    union all
    select 'the replication slot ' || slot_name, greatest(age(xmin), age(catalog_xmin))::float8
      from pg_replication_slots where coalesce(xmin, catalog_xmin) is not null
  ) held order by age desc nulls last limit 1`;

/** Behind so many transactions nothing that is open is held against it. */
const OLD = 10e6;
/** Ids are compared in a circle: at half of it the server takes no more writes. */
const END = 2 ** 31;

export const wraparoundCheck = healthCheck<WraparoundFacts>({
  ...TABLE.wraparound,
  about:
    "How near a database is to refusing writes because its transaction ids come round, and what keeps them from being freed.",
  async look({ ask }) {
    return { databases: await ask<WraparoundRow>(DATABASES), holders: await ask<HolderRow>(HOLDERS) };
  },
  judge({ databases, holders }, scene) {
    const [worst] = databases.toSorted((a, b) => ageOf(b) - ageOf(a));
    if (worst === undefined) throw new Error("The server has told of no database");
    const status = grade(ageOf(worst), scene.limits);
    const told = databases.filter((row) => row === worst || grade(ageOf(row), scene.limits) !== "pass");
    const facts = told.map(
      (row) => `${row.database} is ${millions(ageOf(row))} ${kindOf(row)} old, of ${millions(END)}`,
    );
    if (status === "pass") return { status, evidence: listed(facts) };
    const holder = holders.find(({ age }) => age >= OLD);
    const held =
      holder === undefined
        ? "Autovacuum does not keep up, or is kept from it"
        : `What holds it back is ${holder.what}, ${millions(holder.age)} old: it has to end first`;
    return {
      status,
      evidence: listed([...facts, ...(holder === undefined ? [] : [`${holder.what} is ${millions(holder.age)} old`])]),
      cause: `The database ${worst.database} has used ${millions(ageOf(worst))} of ${millions(END)} ${kindOf(worst)}. Near the end the server takes no more writes. ${held}. The command frees ids while the database stays in use; it may take hours`,
      fix: psql(scene, "VACUUM (VERBOSE)", worst.database),
      docs: manual("routine-vacuuming.html#VACUUM-FOR-WRAPAROUND"),
    };
  },
});

function ageOf({ xidAge, multixactAge }: WraparoundRow): number {
  return Math.max(xidAge, multixactAge);
}

function kindOf({ xidAge, multixactAge }: WraparoundRow): string {
  return xidAge >= multixactAge ? "transactions" : "multixacts";
}

function millions(value: number): string {
  return `${Math.floor(value / 1e6).toLocaleString("en-US")} M`;
}
