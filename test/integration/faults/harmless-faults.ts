import { randomUUID } from "node:crypto";
import { type Fault, STALL_AFTER_MS } from "./fault.ts";
import { describeEntry, isSuccess, type LedgerEntry, tookMs } from "./ledger.ts";

const SLOW_MS = STALL_AFTER_MS + 1500;
const SLOW_ONES = 3;

export const slowStatements: Fault = {
  name: "statements that run longer than stall-after",
  outage: "none",
  failedWrites: 0,
  async strike(run) {
    const { client } = run.served;
    run.breaking();
    const slow = Array.from({ length: SLOW_ONES }, () => {
      const id = randomUUID();
      const path = `/faults/slow-transaction/${run.segment}/${id}/${SLOW_MS}`;
      return [
        client.send({ kind: "other", method: "GET", path: `/faults/hold/${SLOW_MS}` }),
        client.send({ kind: "transaction", method: "PUT", path, id }),
      ];
    });
    proveAllSucceeded(await Promise.all(slow.flat()), SLOW_MS);
    run.healed();
  },
};

const BLOCKED_MS = 3000;

export const ownStall: Fault = {
  name: "our own event loop stalls for 3 s",
  outage: "none",
  failedWrites: 0,
  async strike(run) {
    const { client, health } = run.served;
    run.breaking();
    const block = await client.send({ kind: "other", method: "GET", path: `/faults/block/${BLOCKED_MS}` });
    proveAllSucceeded([block], BLOCKED_MS);
    run.healed();
    await run.recovered();
    const trouble = health.firstTrouble(run.outages[0]?.breakingAt ?? 0);
    if (trouble !== undefined) throw new Error(`Health said ${trouble.state} (${trouble.reason})`);
  },
};

function proveAllSucceeded(entries: readonly LedgerEntry[], atLeastMs: number): void {
  for (const entry of entries) {
    if (!isSuccess(entry) || tookMs(entry) < atLeastMs) throw new Error(`It was harmed: ${describeEntry(entry)}`);
  }
}
