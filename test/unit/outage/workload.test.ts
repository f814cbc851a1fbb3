import { expect, test } from "bun:test";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { latencyMs } from "../../../src/outage/ledger.ts";
import { Workload, type WorkloadOptions } from "../../../src/outage/workload.ts";

interface Stub extends Disposable {
  readonly host: string;
  readonly port: number;
}

function startStub(answer: (request: Request) => Response | Promise<Response>): Stub {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  return { host: "127.0.0.1", port: server.port ?? 0, [Symbol.dispose]: () => void server.stop(true) };
}

function load(server: Stub, changes: Partial<WorkloadOptions> = {}): Workload {
  const defaults = { clock: systemClock, ratePerSecond: 200, writeShare: 0.5, limitMs: 2_000 };
  return new Workload({ server, random: seededRandom(7), ...defaults, ...changes });
}

async function runFor(workload: Workload, ms: number): Promise<void> {
  workload.start();
  await Bun.sleep(ms);
  await workload.stop();
}

test("Workload sends on schedule, however slow the answers are, and counts from the intended start", async () => {
  using server = startStub(async () => {
    await Bun.sleep(250);
    return Response.json({});
  });
  await using workload = load(server);
  await runFor(workload, 300);
  const { entries } = workload;
  expect(entries.length).toBeGreaterThan(55);
  for (const [index, entry] of entries.entries()) {
    expect(entry.intendedAt - (entries[0]?.intendedAt ?? 0)).toBeCloseTo(index * 5, 3);
    expect(latencyMs(entry)).toBeGreaterThanOrEqual(245);
  }
});

test("Workload writes new ids, and reads only ids whose write was acknowledged", async () => {
  const written = new Set<string>();
  const wrong: string[] = [];
  using server = startStub((request) => {
    const id = new URL(request.url).pathname.replace("/api/canary/", "");
    if (request.method === "PUT" && written.has(id)) wrong.push(`written twice: ${id}`);
    if (request.method === "GET" && !written.has(id)) wrong.push(`read before it was written: ${id}`);
    written.add(id);
    return Response.json({ id }, { status: request.method === "PUT" ? 201 : 200 });
  });
  await using workload = load(server);
  await runFor(workload, 300);
  expect(wrong).toEqual([]);
  const writes = workload.entries.filter(({ kind }) => kind === "write");
  expect(writes.length / workload.entries.length).toBeWithin(0.3, 0.7);
  for (const { id } of writes)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("Workload makes the same mix of the same seed, and never an id again", async () => {
  using server = startStub(() => Response.json({}, { status: 201 }));
  const runOf = async (seed: number) => {
    await using workload = load(server, { random: seededRandom(seed) });
    await runFor(workload, 300);
    // The first requests are writes in any case: there is nothing to read yet.
    const kinds = workload.entries.slice(20, 40).map(({ kind }) => kind);
    return { kinds, ids: workload.entries.filter(({ kind }) => kind === "write").map(({ id }) => id) };
  };
  const [once, again, other] = [await runOf(1), await runOf(1), await runOf(2)];
  expect(again.kinds).toEqual(once.kinds);
  expect(other.kinds).not.toEqual(once.kinds);
  expect(again.ids.filter((id) => once.ids.includes(id))).toEqual([]);
});

test("Workload notes what a problem document says", async () => {
  const problem = { status: 503, code: "DATABASE_UNAVAILABLE", outcome: "not-executed" };
  using server = startStub(() => Response.json(problem, { status: 503 }));
  await using workload = load(server);
  await runFor(workload, 30);
  expect(workload.entries[0]).toMatchObject({ ending: "answered", ...problem });
});

test("Workload believes no outcome that it does not know", async () => {
  using server = startStub(() => Response.json({ code: 5, outcome: "surely" }, { status: 500 }));
  await using workload = load(server);
  await runFor(workload, 30);
  expect(workload.entries[0]).toMatchObject({ status: 500, code: undefined, outcome: undefined });
});

test("Workload gives up what hangs, and cuts off what is under way when it is disposed", async () => {
  using server = startStub(() => new Promise<Response>(() => {}));
  const hanging = load(server, { limitMs: 50 });
  await runFor(hanging, 30);
  expect(hanging.entries.every(({ ending }) => ending === "hung")).toBe(true);

  const cut = load(server);
  cut.start();
  await Bun.sleep(30);
  await cut[Symbol.asyncDispose]();
  expect(cut.entries.length).toBeGreaterThan(0);
  expect(cut.entries.every(({ ending }) => ending === "cut")).toBe(true);
});
