import { codeOf } from "../../database/sqlstate.ts";
import type { Fix } from "../check.ts";
import { IS_USERS_SCHEMA } from "./catalog.ts";
import { healthCheck } from "./health-check.ts";
import type { Scene, Server } from "./scene.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual, mayNotRead, percent, psql, qualified } from "./words.ts";

/** A sequence, and the column that it fills, if any. */
interface Sequence {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `smallint`, `integer` or `bigint`. */
  readonly type: string;
  /** The greatest number that both the sequence and its column can hold. */
  readonly ceiling: number;
  readonly isReadable: boolean;
  readonly tableSchema: string | null;
  readonly table: string | null;
  readonly column: string | null;
  readonly columnType: string | null;
  /** `GENERATED … AS IDENTITY`: the sequence follows the column's type. */
  readonly isIdentity: boolean;
}

export interface SequenceRow extends Sequence {
  /** Null before the first use, and for those that may not be read. */
  readonly lastValue: number | null;
}

interface Facts {
  readonly sequences: readonly SequenceRow[];
  /** Could not be read, since somebody held them locked. */
  readonly locked: number;
}

/** Reading a sequence locks it until the transaction ends, and the server's table of locks is everybody's. */
const READ_AT_ONCE = 100;

// Of those that count to more than 2^53 none has ever come near its end. A column may be filled by a sequence of its
// own (a, i) or name any sequence in its default.
const SEQUENCES = `with filled as (
    select d.objid as seqid, d.refobjid as relid, d.refobjsubid as attnum, d.deptype = 'i' as identity
    from pg_depend d
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0
      and d.deptype in ('a', 'i')
    union
    select d.refobjid, def.adrelid, def.adnum, false
    from pg_depend d join pg_attrdef def on def.oid = d.objid
    where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
  ), sequences as (
    select distinct on (c.oid) c.oid, n.nspname as schema, c.relname as name,
      format_type(s.seqtypid, null) as type,
      least(s.seqmax, case coalesce(nullif(t.typbasetype, 0), t.oid)
        when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647 else s.seqmax end)::float8 as ceiling,
      has_sequence_privilege(c.oid, 'select, usage') as "isReadable", coalesce(f.identity, false) as "isIdentity",
      tn.nspname as "tableSchema", tc.relname as "table", a.attname as "column",
      format_type(a.atttypid, a.atttypmod) as "columnType"
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
    left join (filled f join pg_class tc on tc.oid = f.relid and tc.relkind <> 'S'
      join pg_namespace tn on tn.oid = tc.relnamespace
      join pg_attribute a on a.attrelid = f.relid and a.attnum = f.attnum
      join pg_type t on t.oid = a.atttypid) on f.seqid = c.oid
    where ${IS_USERS_SCHEMA} and s.seqincrement > 0 and not s.seqcycle
    order by c.oid, ceiling
  )
  select * from sequences where ceiling < 9007199254740992 order by schema, name`;

function valuesOf(oids: readonly number[]): string {
  // One that was dropped in the meantime is left out.
  return `select c.oid, pg_sequence_last_value(c.oid)::float8 as "lastValue"
    from pg_class c where c.relkind = 'S' and c.oid in (${oids.join(", ")})`;
}

async function look({ ask }: Server): Promise<Facts> {
  const sequences = await ask<Sequence>(SEQUENCES);
  const readable = sequences.filter(({ isReadable }) => isReadable).map(({ oid }) => oid);
  const values = new Map<number, number | null>();
  let locked = 0;
  for (let start = 0; start < readable.length; start += READ_AT_ONCE) {
    const some = readable.slice(start, start + READ_AT_ONCE);
    try {
      const rows = await ask<{ oid: number; lastValue: number | null }>(valuesOf(some));
      for (const { oid, lastValue } of rows) values.set(oid, lastValue);
    } catch (error) {
      if (codeOf(error) !== "55P03") throw error;
      locked += some.length;
    }
  }
  return { sequences: sequences.map((one) => ({ ...one, lastValue: values.get(one.oid) ?? null })), locked };
}

export const sequencesCheck = healthCheck<Facts>({
  ...TABLE.sequences,
  about:
    "Sequences whose numbers come to an end, by their own type or by that of the column that they fill: every insert fails then.",
  isPrimarys: true,
  look,
  judge({ sequences, locked }, scene) {
    const late = sequences
      .filter((sequence) => grade(shareOf(sequence), scene.limits) !== "pass")
      .toSorted((a, b) => shareOf(b) - shareOf(a));
    const [worst] = late;
    if (worst === undefined) return nothingFound(sequences, locked, scene);
    return {
      status: grade(shareOf(worst), scene.limits),
      evidence: listed(late.map(describe)),
      cause: `${nameOf(worst)} has used ${percent(shareOf(worst))} of the numbers that it has. At the end every insert fails; ${howToMend(worst)}`,
      fix: fixFor(worst, scene),
      docs: manual(isColumnNarrow(worst) ? "sql-altertable.html" : "sql-altersequence.html"),
    };
  },
});

function nothingFound(sequences: readonly SequenceRow[], locked: number, scene: Scene) {
  if (locked > 0) {
    const evidence = `${count(locked, "sequence")} could not be read, since some are locked`;
    return { status: "unknown", evidence, cause: `Somebody holds sequences locked. ${evidence}; ask again` } as const;
  }
  const hidden = sequences.filter(({ isReadable }) => !isReadable).length;
  if (hidden > 0) {
    const schemas = [...new Set(sequences.filter(({ isReadable }) => !isReadable).map(({ schema }) => schema))];
    return mayNotRead(`${count(hidden, "sequence")} may not be read`, scene, {
      right: schemas.map((schema) => `SELECT ON ALL SEQUENCES IN SCHEMA ${qualified(schema)}`),
    });
  }
  return {
    status: "pass",
    evidence: `${count(sequences.length, "sequence")} of limited range, none near its end`,
  } as const;
}

function shareOf({ lastValue, ceiling }: SequenceRow): number {
  return (lastValue ?? 0) / ceiling;
}

function nameOf({ schema, name }: SequenceRow): string {
  return qualified(schema, name);
}

function describe(row: SequenceRow): string {
  const { tableSchema, table, column, columnType, lastValue, ceiling } = row;
  const fills = table === null ? "" : `, fills ${qualified(tableSchema ?? "", table, column ?? "")} (${columnType})`;
  const [last, end] = [lastValue ?? 0, ceiling].map((value) => value.toLocaleString("en-US"));
  return `${nameOf(row)} is at ${last} of ${end} (${percent(shareOf(row))})${fills}`;
}

function isColumnNarrow({ columnType }: SequenceRow): boolean {
  return columnType === "integer" || columnType === "smallint";
}

function howToMend(row: SequenceRow): string {
  if (isColumnNarrow(row)) {
    return "as bigint there are enough. The command rewrites the whole table, which nobody can use meanwhile, and gives up after a minute: beside a larger one's column put one of type bigint, fill it in steps, and change over";
  }
  return row.type === "bigint"
    ? "its MAXVALUE ends it"
    : "as bigint there are enough, and changing that takes a moment";
}

/** Whoever copies a command at night must not take a table from everybody for hours. */
const GUARDS = ["SET lock_timeout = '2s'", "SET statement_timeout = '60s'"];

function fixFor(row: SequenceRow, scene: Scene): Fix[] {
  const { tableSchema, table, column, type } = row;
  const widen = type === "bigint" ? "NO MAXVALUE" : "AS bigint";
  const sequence = `ALTER SEQUENCE ${nameOf(row)} ${widen}`;
  if (table === null || !isColumnNarrow(row)) return psql(scene, [...GUARDS, sequence]);
  const alter = `ALTER TABLE ${qualified(tableSchema ?? "", table)} ALTER COLUMN ${qualified(column ?? "")} TYPE bigint`;
  return psql(scene, [...GUARDS, ...(row.isIdentity || type === "bigint" ? [] : [sequence]), alter]);
}
