import type { Connection } from "../database/connection.ts";
import type { CheckContext } from "./check.ts";

/** A diagnosis must not become part of the trouble: it changes nothing, and neither works nor waits for long. */
const LIMITS = "begin read only; set local statement_timeout = '2s'; set local lock_timeout = '100ms'";

/**
 * Asks the database one question in a read-only transaction of its own.
 * Throws as `Connection.run`: STATEMENT_TIMEOUT (57014) after 2 s, STATEMENT_FAILED (55P03) when a lock is in the way
 * for 100 ms.
 */
export async function ask<R>(connection: Connection, question: string, { deadlineAt }: CheckContext): Promise<R[]> {
  await connection.control(LIMITS, deadlineAt);
  try {
    const { rows } = await connection.run<R>(asTemplate(question), [], deadlineAt);
    return rows;
  } finally {
    if (!connection.isLost) await connection.control("rollback", deadlineAt);
  }
}

function asTemplate(text: string): TemplateStringsArray {
  return Object.assign([text], { raw: [text] });
}
