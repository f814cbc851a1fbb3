import type { Connection } from "../database/connection.ts";
import type { CheckContext } from "./check.ts";

const STATEMENT_LIMIT_MS = 2_000;
const LOCK_LIMIT_MS = 100;

/**
 * Asks the database one question in a read-only transaction of its own, in one round trip. A diagnosis must not become
 * part of the trouble: it changes nothing, neither works nor waits for long, and what it has locked it has let go again
 * when the answer is here.
 * Throws as `Connection.run`: STATEMENT_TIMEOUT (57014) after 2 s, STATEMENT_FAILED (55P03) when a lock is in the way
 * for 100 ms.
 */
export async function ask<R>(
  connection: Connection,
  question: string,
  { clock, deadlineAt }: Pick<CheckContext, "clock" | "deadlineAt">,
): Promise<R[]> {
  // The server gives up first: an answer that misses the deadline costs the connection.
  const limitMs = Math.max(1, Math.min(STATEMENT_LIMIT_MS, Math.floor((deadlineAt - clock.now()) * 0.8)));
  const limits = `set local statement_timeout = ${limitMs}; set local lock_timeout = ${LOCK_LIMIT_MS}`;
  try {
    const text = `begin read only; ${limits}; ${question}; rollback`;
    const { rows } = await connection.control<R>(text, deadlineAt);
    return rows;
  } catch (error) {
    if (!connection.isLost) await connection.control("rollback", deadlineAt);
    throw error;
  }
}
