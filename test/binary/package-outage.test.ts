import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { freePort } from "../support/ports.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { Consumer, type Program, packInto, readmeProgram } from "./package-support.ts";

const VISITS = "create table visit (id integer generated always as identity, page text, at timestamptz default now())";
const NOTES = "create table note (id integer generated always as identity, text text)";

/** Long enough for a second attempt to connect. */
const OUTAGE_MS = 2500;

const folder = makeTempFolder("package");
let consumer: Consumer;
let server: PostgresServer;

beforeAll(async () => {
  const tarball = await packInto(folder.path);
  [consumer, server] = await Promise.all([Consumer.with(tarball, "elysia@1.4.30"), startPostgres()]);
  await server.psql(`${VISITS}; ${NOTES}`);
  for (const name of ["visits.ts", "notes.ts"]) consumer.write(name, readmeProgram(name));
});
beforeEach(async () => {
  if (!server.isRunning) await server.start();
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await consumer?.[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

async function outage(): Promise<void> {
  await server.stop();
  await Bun.sleep(OUTAGE_MS);
  await server.start();
}

async function sessions(): Promise<number> {
  const [row] = await server.psql<{ count: number }>(
    "select count(*)::int as count from pg_stat_activity where application_name in ('deby', 'deby-probe')",
  );
  return row?.count ?? Number.NaN;
}

/** Ends by itself at SIGTERM, with nothing left at the server. */
async function expectCleanEnd(program: Program): Promise<void> {
  expect(await sessions()).toBeGreaterThan(0);
  expect(await program.terminate()).toBe(0);
  await waitUntil("no session is left", async () => (await sessions()) === 0, { deadlineMs: 1000 });
}

test("README's program goes on after Postgres was stopped and started, loses no visit, and ends cleanly", async () => {
  await using program = consumer.run("visits.ts", { DATABASE_URL: server.url });
  await program.waitForLine(/^visit 3 at /);
  await outage();
  const before = program.output.lines.length;
  await program.waitForLine(/^Reconnected after /);
  await waitUntil("three more visits", () => visitsIn(program.output.lines.slice(before)).length >= 3);
  await expectCleanEnd(program);
  const told = visitsIn(program.output.lines);
  const rows = await server.psql<{ id: number }>("select id from visit order by id");
  expect(rows.map(({ id }) => id)).toEqual(told);
  // console.warn and console.error are where it was told to write what went wrong: nothing else is there.
  const stray = program.output.stderr
    .split("\n")
    .filter((line) => !/^$|Connection to PostgreSQL lost|attempt \d/.test(line));
  expect(stray).toEqual([]);
});

function visitsIn(lines: readonly string[]): number[] {
  return lines.flatMap((line) => {
    const id = /^visit (\d+) at \d{4}-/.exec(line)?.[1];
    return id === undefined ? [] : [Number(id)];
  });
}

test("README's program is told at once that it ends, although Postgres is away", async () => {
  await using program = consumer.run("visits.ts", { DATABASE_URL: server.url });
  await program.waitForLine(/^visit /);
  await server.stop();
  await program.waitForLine(/^Connection attempt 1\/5 failed/);
  // Longer than it sleeps between two visits.
  await Bun.sleep(300);
  expect(await program.terminate()).toBe(0);
  expect(program.output.lines.at(-1)).toMatch(/^SHUTTING_DOWN, not-executed: /);
});

test("README's app holds requests while Postgres is stopped, answers them all, and ends cleanly", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using program = consumer.run("notes.ts", { DATABASE_URL: server.url, PORT: String(port) });
  await waitUntil("the app is ready", async () => (await fetch(`${url}/readyz`)).ok);
  const post = (key: string, text: string) =>
    fetch(`${url}/notes`, {
      method: "POST",
      headers: { "idempotency-key": key, "content-type": "application/json" },
      body: JSON.stringify({ text }),
    });

  const first = await post("k1", "before");
  expect([first.status, await first.json()]).toEqual([201, { id: 1, text: "before" }]);
  const missing = await fetch(`${url}/notes/99`);
  expect([missing.status, await missing.text()]).toEqual([404, "There is no such note"]);

  const healing = outage();
  await program.waitForLine(/^Connection attempt 1\/5 failed/);
  const held = [
    ...Array.from({ length: 5 }, () => fetch(`${url}/notes/1`)),
    ...Array.from({ length: 5 }, (_, index) => post(`h${index}`, "held")),
    post("k1", "before"),
  ];
  const health = await fetch(`${url}/api/health`);
  expect([health.status, ((await health.json()) as { database: string }).database]).toEqual([503, "reconnecting"]);
  const answers = await Promise.all(held);
  await healing;
  expect(answers.map(({ status }) => status)).toEqual([...Array(5).fill(200), ...Array(6).fill(201)]);
  expect(await answers.at(-1)?.json()).toEqual({ id: 1, text: "before" });
  expect(answers.at(-1)?.headers.get("idempotent-replayed")).toBe("true");
  expect(await server.psql("select count(*)::int as count from note")).toEqual([{ count: 6 }]);
  expect(await (await fetch(`${url}/api/outcomes/h0`)).json()).toEqual({ key: "h0", outcome: "committed" });
  await expectCleanEnd(program);
});

test("README's app answers what it held when it is ended, although Postgres is away", async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using program = consumer.run("notes.ts", { DATABASE_URL: server.url, PORT: String(port) });
  await waitUntil("the app is ready", async () => (await fetch(`${url}/readyz`)).ok);
  await server.stop();
  await program.waitForLine(/^Connection attempt 1\/5 failed/);
  const held = fetch(`${url}/notes/1`);
  await Bun.sleep(100);
  const [ended, answer] = await Promise.all([program.terminate(), held]);
  expect(ended).toBe(0);
  expect(answer.status).toBe(503);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(await answer.json()).toMatchObject({ code: "SHUTTING_DOWN", outcome: "not-executed" });
});

test("a program that does not close its database lives on, and dies of a signal as any other", async () => {
  consumer.write(
    "unclosed.ts",
    `import { createDatabase } from "deby";
     const db = createDatabase();
     await db.read\`select 1\`;
     console.log("done");`,
  );
  await using program = consumer.run("unclosed.ts", { DATABASE_URL: server.url });
  await program.waitForLine(/^done$/);
  await server.stop();
  await Bun.sleep(1000);
  expect(program.isRunning).toBe(true);
  expect(await program.terminate()).toBe("SIGTERM");
  expect(program.output.stderr).toBe("");
});
