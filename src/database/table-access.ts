import type { Deadline } from "../core/deadline.ts";
import type { LeaseDeps } from "./lease.ts";
import { BEGIN } from "./outcome-table.ts";
import type { TableAccess } from "./own-table.ts";
import { asStatement } from "./statement.ts";
import { runStatement } from "./statements.ts";
import { runTransaction } from "./transactions.ts";

/** How deby's own tables are looked for and made on the server that is written to. */
export function tableAccess(deps: LeaseDeps, getDeadline: (now: number) => Deadline): TableAccess {
  return {
    look: (text) => runStatement(deps, "read", { strings: asStatement(text), values: [] }, getDeadline),
    // Up to COMMIT nothing has happened, so that it is sent again where it was lost, as any BEGIN is.
    change: (text) => runTransaction(deps, async () => {}, getDeadline, { begin: `${BEGIN}; ${text}` }),
  };
}
