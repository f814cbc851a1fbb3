import type { OwnDatabase } from "../database/database.ts";
import { isTableMissing, OwnTable } from "../database/own-table.ts";
import type { Transaction } from "../database/statement.ts";
import { DebyError } from "../errors.ts";

export interface CanaryRow {
  readonly id: string;
  /** ISO 8601 with milliseconds, UTC. */
  readonly createdAt: string;
}

export interface CanaryWrite {
  readonly row: CanaryRow;
  /** Whether this call made the row, be it that the server's answer to that was lost. */
  readonly isNew: boolean;
  /** Whether an earlier call with this key has given the answer. */
  readonly isReplay: boolean;
}

const SCOPE = "canary";

/** The canary's rows. The table is made at the first need, and again should it vanish. */
export class CanaryTable {
  readonly #db: Pick<OwnDatabase, "once" | "read" | "makeTable">;
  readonly #table = new OwnTable({
    name: "canary",
    columns: "id uuid primary key, created_at timestamptz not null default now()",
    rights: "select, insert",
  });

  constructor(db: Pick<OwnDatabase, "once" | "read" | "makeTable">) {
    this.#db = db;
  }

  /** What an owner of the database runs where deby's own role may not. */
  get sql(): string {
    return this.#table.sql;
  }

  /** Makes the table where it is missing; throws like `OwnTable.make`. */
  async make(): Promise<void> {
    await this.#db.makeTable(this.#table);
  }

  /** Exactly once for each key. */
  async put(id: string, key = id): Promise<CanaryWrite> {
    let isReplay = false;
    const onReplay = (): void => {
      isReplay = true;
    };
    const options = { scope: SCOPE, fingerprint: id, onReplay };
    const { row, isNew } = await this.#withTable(() => this.#db.once(key, (tx) => write(tx, id), options));
    return { row, isNew: isNew && !isReplay, isReplay };
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
    if (!this.#table.isMade) await this.make();
    try {
      return await work();
    } catch (error) {
      if (!isTableMissing(error)) throw error;
      this.#table.forget();
      await this.make();
      return await work();
    }
  }
}

async function write(tx: Transaction, id: string): Promise<Pick<CanaryWrite, "row" | "isNew">> {
  const [created] = await tx.query<CanaryRow>`
    insert into deby.canary (id) values (${id}) on conflict (id) do nothing
    returning id::text as "id", to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt"`;
  if (created !== undefined) return { row: created, isNew: true };
  const [known] = await tx.query<CanaryRow>`
    select id::text as "id", to_char(created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "createdAt"
    from deby.canary where id = ${id}`;
  if (known !== undefined) return { row: known, isNew: false };
  throw new DebyError("STATEMENT_FAILED", `The canary ${id} is taken and yet not there`);
}
