// The routes of the fault suite: `deby serve --routes` loads this file.

import type { RouteContext } from "deby/elysia";
import { t } from "elysia";
import { tellStarvation } from "./starvation.ts";
import { SUSPECTED } from "./suspicion.ts";

/** Rows and bytes a row of a result that fills every buffer between the server and deby. */
const BALLAST_ROWS = 3000;
const BALLAST_WORD = "deby-ballast";
const BALLAST_WORDS = 700;

const row = { segment: t.Integer(), id: t.String({ format: "uuid" }) };
const milliseconds = { ms: t.Integer({ minimum: 0, maximum: 60_000 }) };
const Row = t.Object(row);
const Milliseconds = t.Object(milliseconds);
/** What it takes in the server at least, so that a fault meets most connections at work. */
const RowAndMilliseconds = t.Object({ ...row, ...milliseconds });

/** A line of the log tells when deby came to suspect its server, by the clock of the wall. */
function tellSuspicion(db: RouteContext["db"]): void {
  db.on("transition", ({ to }) => {
    if (to.name === "suspect") console.error(JSON.stringify({ event: SUSPECTED, at: Date.now() }));
  });
}

export default ({ app, db }: RouteContext) => {
  tellSuspicion(db);
  tellStarvation();
  return (
    app
      .put(
        "/faults/query/:segment/:id/:ms",
        async ({ params: { segment, id, ms } }) => {
          await db.query`
          insert into fault_row (segment, id, way)
          select ${segment}::int, ${id}::uuid, 'query' from pg_sleep(${ms / 1000})`;
          return { id };
        },
        { params: RowAndMilliseconds },
      )
      .put(
        "/faults/transaction/:segment/:id/:ms",
        async ({ params: { segment, id, ms } }) =>
          db.transaction(async (tx) => {
            await tx.query`
            insert into fault_row (segment, id, way)
            select ${segment}::int, ${id}::uuid, 'transaction' from pg_sleep(${ms / 1000})`;
            const [row] = await tx.query<{ count: number }>`
            select count(*)::int as count from fault_row where segment = ${segment} and id = ${id}`;
            return { id, count: row?.count };
          }),
        { params: RowAndMilliseconds },
      )
      .put(
        "/faults/once/:segment/:id/:ms",
        async ({ params: { segment, id, ms } }) =>
          db.once(id, async (tx) => {
            // The table takes the same id twice: were the work done twice, it would be seen.
            await tx.query`
            insert into fault_row (segment, id, way)
            select ${segment}::int, ${id}::uuid, 'once' from pg_sleep(${ms / 1000})`;
            return { id };
          }),
        { params: RowAndMilliseconds },
      )
      .get(
        "/faults/read/:segment/:id/:ms",
        async ({ params: { segment, id, ms } }) => {
          const [row] = await db.read<{ count: number }>`
          select (select count(*)::int from fault_row where segment = ${segment} and id = ${id}) as count
          from pg_sleep(${ms / 1000})`;
          return { count: row?.count };
        },
        { params: RowAndMilliseconds },
      )
      // A result that no buffer holds; only its size is told.
      .get("/faults/large-read", async () => {
        const rows = await db.read<{ ballast: string }>`
        select repeat(${BALLAST_WORD}, ${BALLAST_WORDS}::int) as ballast from generate_series(1, ${BALLAST_ROWS}::int)`;
        return { rows: rows.length };
      })
      .put(
        "/faults/large-write/:segment/:id",
        async ({ params: { segment, id } }) => {
          const rows = await db.query<{ ballast: string }>`
          with written as (
            insert into fault_row (segment, id, way) values (${segment}, ${id}, 'large') returning id
          )
          select repeat(${BALLAST_WORD}, ${BALLAST_WORDS}::int) as ballast
          from written, generate_series(1, ${BALLAST_ROWS}::int)`;
          return { rows: rows.length };
        },
        { params: Row },
      )
      // Which backend answered; it is busy for so long.
      .get(
        "/faults/hold/:ms",
        async ({ params: { ms } }) => {
          const [row] = await db.read<{ pid: number }>`select pg_backend_pid() as pid from pg_sleep(${ms / 1000})`;
          return { pid: row?.pid };
        },
        { params: Milliseconds },
      )
      .put(
        "/faults/slow-transaction/:segment/:id/:ms",
        ({ params: { segment, id, ms } }) =>
          db.transaction(async (tx) => {
            await tx.query`insert into fault_row (segment, id, way) values (${segment}, ${id}, 'slow')`;
            const [row] = await tx.query<{ pid: number }>`
            select pg_backend_pid() as pid from pg_sleep(${ms / 1000})`;
            return { pid: row?.pid };
          }),
        { params: RowAndMilliseconds },
      )
      // Stalls deby's own event loop.
      .get(
        "/faults/block/:ms",
        ({ params: { ms } }) => {
          Bun.sleepSync(ms);
          return { ms };
        },
        { params: Milliseconds },
      )
  );
};
