import type { Deadline } from "../core/deadline.ts";
import { DebyError } from "../errors.ts";
import type { Connection } from "./connection.ts";
import { acquire, type LeaseDeps, noteReadOnly, pauseBefore } from "./lease.ts";
import { finalError, mayRepeat, type StatementKind, standaloneError } from "./retry.ts";
import { leavesTraces } from "./session-traces.ts";

interface StatementText {
  readonly strings: TemplateStringsArray;
  readonly values: readonly unknown[];
}

/** Runs one statement on a connection of its own; reads are repeated after a lost connection. */
export async function runStatement<R>(
  deps: LeaseDeps,
  kind: StatementKind,
  statement: StatementText,
  getDeadline: () => Deadline,
): Promise<R[]> {
  const deadline = getDeadline();
  const text = statement.strings[0] ?? "";
  for (let repeats = 0; ; repeats += 1) {
    const connection = await acquire(deps, kind, deadline);
    let failure: unknown;
    try {
      const { rows, command } = await connection.run<R>(statement.strings, statement.values, deadline.at);
      if (leavesTraces(command, text)) deps.pool.evict(connection);
      refuseOpenTransaction(connection, command);
      return rows;
    } catch (error) {
      failure = standaloneError(error, text);
    } finally {
      deps.pool.release(connection);
    }
    noteReadOnly(deps, failure);
    if (!mayRepeat(failure, kind, repeats)) throw finalError(failure, kind);
    await pauseBefore(deps, failure, repeats + 1);
  }
}

/** The pool evicts a connection that comes back in a transaction, which undoes it. */
function refuseOpenTransaction({ transactionStatus }: Connection, command: string): void {
  if (transactionStatus !== "T" && transactionStatus !== "E") return;
  throw new DebyError("STATEMENT_FAILED", `Use transaction(), not a ${command} statement`, { outcome: "rolled-back" });
}
