import { type WithinOptions, within } from "../core/within.ts";
import { DebyError } from "../errors.ts";
import { withOutcome } from "./retry.ts";

const UNDEFINED_TABLE = "42P01";
const UNDEFINED_SCHEMA = "3F000";
/** SQLSTATE insufficient_privilege. */
export const NOT_ALLOWED = "42501";

/** The number that all deby processes lock when they change the schema: "deby" in ASCII. */
export const DEBY_LOCK = 1684365945;

export interface TableDefinition {
  /** In the schema `deby`. */
  readonly name: string;
  /** What stands between the parentheses of `create table`, and behind them. */
  readonly columns: string;
  readonly options?: string;
  readonly indexes?: readonly { readonly name: string; readonly on: string }[];
  /** What deby's own role needs to be granted. */
  readonly rights: string;
}

/** How the table is looked for and made. */
export interface TableAccess {
  /** A statement of its own, on the server that is written to: a standby may know an older truth. */
  readonly look: (text: string) => Promise<{ readonly name: string | null }[]>;
  /** Runs statements in a transaction, which may be run again, in one round trip and that of its COMMIT. */
  readonly change: (text: string) => Promise<void>;
}

/** The catalog may be read by everybody. No row where there is no schema, one without a name where it is empty. */
const LOOK = `select c.relname as name from pg_catalog.pg_namespace n
  left join pg_catalog.pg_class c on c.relnamespace = n.oid where n.nspname = 'deby'`;

/** How many lost connections the making outlives: it may be done again at any time, and this only ends a mad circle. */
const MAX_LOSSES = 10;

/** A table that deby keeps for itself in the schema `deby`: made at the first need, and again should it vanish. */
export class OwnTable {
  readonly #definition: TableDefinition;
  #making: Promise<void> | undefined;
  #isMade = false;

  constructor(definition: TableDefinition) {
    this.#definition = definition;
  }

  /** Whether this process has seen it. */
  get isMade(): boolean {
    return this.#isMade;
  }

  /** What an owner of the database runs where deby's own role may not, in one line. */
  get sql(): string {
    const { name, rights } = this.#definition;
    return [
      "create schema if not exists deby",
      ...this.statements,
      "grant usage on schema deby to ROLE",
      `grant ${rights} on deby.${name} to ROLE`,
    ].join("; ");
  }

  /**
   * Makes it where it is missing, one process at a time. One caller does, under its own deadline; should it fail, the
   * next one tries. The others wait until `limit`. `companions` are made in the same go where they
   * are missing, too.
   * Throws DATABASE_MISCONFIGURED with the SQL to run where the role may not; else what keeps the database away, its
   * outcome `not-executed`: what the table was wanted for has not begun.
   */
  async make(access: TableAccess, limit: WithinOptions, companions: readonly OwnTable[] = []): Promise<void> {
    while (this.#making !== undefined) {
      await this.#waitForMaker(this.#making, limit);
      if (this.#isMade) return;
    }
    this.#making = this.#makeThroughLosses(access, companions);
    try {
      await this.#making;
    } catch (error) {
      throw this.explain(notExecuted(error));
    } finally {
      this.#making = undefined;
    }
  }

  /** It has turned out to be missing after all. */
  forget(): void {
    this.#isMade = false;
  }

  /** A connection lost in the course of it, be it at COMMIT, leaves nothing in doubt that another look does not tell. */
  async #makeThroughLosses({ look, change }: TableAccess, companions: readonly OwnTable[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        // `if not exists` alone asks for the right to create even where it exists.
        const found = await look(LOOK);
        const isThere = (table: OwnTable): boolean => found.some(({ name }) => name === table.#definition.name);
        this.#isMade = isThere(this);
        if (this.#isMade) return;
        const missing = [this, ...companions.filter((table) => !isThere(table))];
        await change(creation(missing, found.length > 0));
        for (const table of missing) table.#isMade = true;
        return;
      } catch (error) {
        if (!(error instanceof DebyError) || tries > MAX_LOSSES) throw error;
        // Between the look and the lock another process may have made it, whose rights we lack.
        const mayBeThere = error.reason === NOT_ALLOWED && tries === 1;
        if (!error.isLostConnection && !mayBeThere) throw error;
      }
    }
  }

  /** What makes it where it is missing. */
  get statements(): readonly string[] {
    const { name, columns, options, indexes = [] } = this.#definition;
    const suffix = options === undefined ? "" : ` ${options}`;
    return [
      `create table if not exists deby.${name} (${columns})${suffix}`,
      ...indexes.map((index) => `create index if not exists ${index.name} on deby.${name} (${index.on})`),
    ];
  }

  async #waitForMaker(making: Promise<void>, limit: WithinOptions): Promise<void> {
    const made = making.catch(() => undefined);
    try {
      await within<void>(limit, (resolve) => void made.then(resolve));
    } catch (cause) {
      const message = `The table deby.${this.#definition.name} was not made in time`;
      throw new DebyError("DATABASE_UNAVAILABLE", message, { cause });
    }
  }

  /** The error of a role that lacks a right, with the SQL to run; any other as it is. */
  explain(error: unknown): unknown {
    if (!(error instanceof DebyError) || error.reason !== NOT_ALLOWED) return error;
    const { name } = this.#definition;
    const message = `The role may not create or use the table deby.${name}. An owner of the database runs: ${this.sql}`;
    return new DebyError("DATABASE_MISCONFIGURED", message, {
      cause: error,
      reason: NOT_ALLOWED,
      outcome: "rolled-back",
    });
  }
}

/** Behind the lock another process may have made them by now. */
function creation(tables: readonly OwnTable[], isSchema: boolean): string {
  return [
    // Nobody else gets the lock while the transaction of a connection that is gone rests.
    `set local idle_in_transaction_session_timeout = '10s'`,
    `select pg_advisory_xact_lock(${DEBY_LOCK})`,
    ...(isSchema ? [] : ["create schema if not exists deby"]),
    ...tables.flatMap(({ statements }) => statements),
  ].join("; ");
}

/** The error for whoever waits for the table to do something: that was not done, whatever became of the table. */
function notExecuted(error: unknown): unknown {
  if (!(error instanceof DebyError) || error.outcome === "not-executed") return error;
  const { code, cause } = error;
  return withOutcome(code === "OUTCOME_UNKNOWN" && cause instanceof DebyError ? cause : error, "not-executed");
}

/** Whether a statement failed because its table is not there. */
export function isTableMissing(error: unknown): boolean {
  return error instanceof DebyError && (error.reason === UNDEFINED_TABLE || error.reason === UNDEFINED_SCHEMA);
}
