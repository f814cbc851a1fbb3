import { expect, test } from "bun:test";
import { join } from "node:path";
import { startEmbedded } from "../support/embedded.ts";
import { waitUntil } from "../support/wait-until.ts";

const FROM_SOURCE = [process.execPath, join(import.meta.dir, "..", "..", "src", "main.ts")];

test("from source, without the executable's ready-made folder, the embedded server makes its data by initdb", async () => {
  await using embedded = await startEmbedded({ command: FROM_SOURCE });
  expect(embedded.events.map(({ type }) => type)).toEqual(["ready"]);
  const sql = embedded.connect();
  expect(await sql`select current_database() as name, current_setting('wal_segment_size') as size`).toEqual([
    { name: "deby_ecommerce", size: "1MB" },
  ] as never);
  await sql`create table t as select 1 as a`;
  await embedded.server.kill();
  embedded.server.start();
  await waitUntil("it is ready again", () => embedded.events.length === 2, { deadlineMs: 40_000 });
  expect(await embedded.connect()`select a from t`).toEqual([{ a: 1 }] as never);
}, 60_000);
