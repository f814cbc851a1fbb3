import type { Database } from "../database/database.ts";
import type { Transaction } from "../database/statement.ts";
import { DebyError } from "../errors.ts";

export interface CanaryRow {
  readonly id: string;
  /** ISO 8601 with milliseconds, UTC. */
  readonly createdAt: string;
}

/** What an owner of the database runs where deby's own role may not. */
export const CANARY_SQL = [
  "create schema if not exists deby",
  "create table if not exists deby.canary (id uuid primary key, created_at timestamptz not null default now())",
  "grant usage on schema deby to ROLE",
  "grant select, insert on deby.canary to ROLE",
].join("; ");

const UNDEFINED_TABLE = "42P01";
const UNDEFINED_SCHEMA = "3F000";
const NOT_ALLOWED = "42501";

/**
 * Makes `deby.canary` where it is missing, one process at a time.
 * @throws DebyError DATABASE_MISCONFIGURED with the SQL to run where the role may not; what the database's loss gives.
 */
export async function ensureCanarySchema(db: Database): Promise<void> {
  try {
    await db.transaction(createIfMissing, { retryable: true });
  } catch (error) {
    if (!hasReason(error, NOT_ALLOWED)) throw error;
    const message = `The role may not create the table deby.canary. An owner of the database runs: ${CANARY_SQL}`;
    throw new DebyError("DATABASE_MISCONFIGURED", message, {
      cause: error,
      reason: NOT_ALLOWED,
      outcome: "rolled-back",
    });
  }
}

async function createIfMissing(tx: Transaction): Promise<void> {
  // The catalog may be read by everybody; `if not exists` alone asks for the right to create even where it exists.
  if (await exists(tx)) return;
  // Any number will do, as long as all deby processes take the same: this is "deby" in ASCII.
  await tx.query`select pg_advisory_xact_lock(1684365945)`;
  if (await exists(tx)) return;
  const schemas = await tx.query`select 1 from pg_catalog.pg_namespace where nspname = 'deby'`;
  if (schemas.length === 0) await tx.query`create schema deby`;
  await tx.query`
    create table deby.canary (id uuid primary key, created_at timestamptz not null default now())`;
}

async function exists(tx: Transaction): Promise<boolean> {
  const tables = await tx.query`
    select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'deby' and c.relname = 'canary'`;
  return tables.length > 0;
}

/** The canary's rows. The table is made at the first need, and again should it vanish. */
export class CanaryTable {
  readonly #db: Database;
  #making: Promise<void> | undefined;
  #isMade = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Returns the row and whether this call made it. */
  async put(id: string): Promise<{ readonly row: CanaryRow; readonly isNew: boolean }> {
    const created = await this.#withTable(
      () => this.#db.query<CanaryRow>`
        insert into deby.canary (id) values (${id}) on conflict (id) do nothing
        returning id::text as "id", to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt"`,
    );
    const [row] = created;
    if (row !== undefined) return { row, isNew: true };
    const known = await this.get(id);
    if (known !== undefined) return { row: known, isNew: false };
    throw new DebyError("STATEMENT_FAILED", `The canary ${id} is taken and yet not there`);
  }

  /** Where the table was never made there is no row either; reading must not need the right to write. */
  async get(id: string): Promise<CanaryRow | undefined> {
    try {
      const [row] = await this.#db.read<CanaryRow>`
        select id::text as "id", to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt"
        from deby.canary where id = ${id}`;
      return row;
    } catch (error) {
      if (isTableMissing(error)) return undefined;
      throw error;
    }
  }

  async #withTable<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isMade) await this.#make();
    try {
      return await work();
    } catch (error) {
      if (!isTableMissing(error)) throw error;
      this.#isMade = false;
      await this.#make();
      return await work();
    }
  }

  /** One caller makes it, under its own deadline; should it fail, the next one tries. */
  async #make(): Promise<void> {
    while (this.#making !== undefined) {
      await this.#making.catch(() => undefined);
      if (this.#isMade) return;
    }
    this.#making = ensureCanarySchema(this.#db);
    try {
      await this.#making;
      this.#isMade = true;
    } finally {
      this.#making = undefined;
    }
  }
}

function isTableMissing(error: unknown): boolean {
  return hasReason(error, UNDEFINED_TABLE) || hasReason(error, UNDEFINED_SCHEMA);
}

function hasReason(error: unknown, reason: string): boolean {
  return error instanceof DebyError && error.reason === reason;
}
