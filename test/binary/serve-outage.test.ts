import { describe, expect, test } from "bun:test";
import { CanaryClients } from "../support/canary-clients.ts";
import { startPostgres } from "../support/postgres.ts";
import { oldestPostgres, postgresVersions } from "../support/postgres-binaries.ts";
import { waitAccepting } from "../support/raw-probe.ts";
import { type ServedDeby, startServe } from "../support/serve.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Milliseconds between a log line's time and the loss, for each line that matches. */
function offsets(deby: ServedDeby, pattern: RegExp): number[] {
  const events = deby.process.lines.map((line) => JSON.parse(line) as { time: string; event: string; msg: string });
  const lost = events.find(({ event }) => event === "db.lost");
  if (lost === undefined) throw new Error("The loss was not logged");
  return events.filter(({ msg }) => pattern.test(msg)).map(({ time }) => Date.parse(time) - Date.parse(lost.time));
}

test("an outage of 40 s: attempts by the schedule, health and Retry-After tell the truth, one reconnection", async () => {
  await using server = await startPostgres({ version: oldestPostgres });
  await using deby = await startServe(server, { args: ["--log-format", "json"] });
  await server.stop();
  await waitUntil("reconnecting", async () => (await deby.health()).body["state"] === "reconnecting");
  const early = await deby.health();
  expect(early).toMatchObject({ status: 503, body: { status: "error", database: "reconnecting" } });

  const held = deby.fetch("/api/tables");
  const [down] = await deby.process.waitForLine(/^.*"event":"db.down".*$/, 25_000);
  const heldAnswer = await held;
  expect(heldAnswer.status).toBe(503);
  expect(await deby.health()).toMatchObject({
    status: 503,
    body: { status: "error", database: "disconnected", state: "down" },
  });

  const promises: { readonly sentAt: number; readonly receivedAt: number; readonly waitMs: number }[] = [];
  const sample = async (response: Response, sentAt: number) => {
    const receivedAt = Date.now();
    expect(response.status).toBe(503);
    expect(response.headers.get("content-type")).toContain("application/problem+json");
    expect(await response.json()).toMatchObject({
      code: "DATABASE_UNAVAILABLE",
      outcome: "not-executed",
      retryable: true,
    });
    promises.push({ sentAt, receivedAt, waitMs: 1000 * Number(response.headers.get("retry-after")) });
  };
  await sample(heldAnswer, Date.parse(JSON.parse(down).time));
  while (deby.process.lines.filter((line) => line.includes("db.attempt-failed")).length < 7) {
    const sentAt = Date.now();
    await sample(await deby.fetch("/api/tables"), sentAt);
    await Bun.sleep(500);
  }
  const attemptsAt = deby.process.lines
    .map((line) => JSON.parse(line) as { time: string; event: string })
    .filter(({ event }) => event === "db.attempt-failed")
    .map(({ time }) => Date.parse(time));
  for (const { sentAt, receivedAt, waitMs } of promises) {
    // Whether the answer was made before or after an attempt that ended between the two nobody can tell.
    if (attemptsAt.some((at) => at >= sentAt && at <= receivedAt)) continue;
    const next = attemptsAt.find((at) => at > receivedAt);
    if (next === undefined) continue;
    // Never less than what is true, and at most a second more; 30 ms for the way from the server to this clock.
    expect(receivedAt + waitMs - next).toBeGreaterThanOrEqual(-30);
    expect(sentAt + waitMs - next).toBeLessThanOrEqual(1030);
  }

  const schedule = [0, 2000, 6000, 12_000, 20_000, 30_000, 40_000];
  const failedAt = offsets(deby, /^Connection attempt \d.* failed/);
  expect(failedAt.length).toBe(schedule.length);
  failedAt.forEach((at, index) => {
    expect(at).toBeGreaterThanOrEqual((schedule[index] ?? 0) - 20);
    expect(at).toBeLessThan((schedule[index] ?? 0) + 300);
  });

  await server.start();
  await deby.waitForState("up");
  expect((await deby.fetch("/api/tables")).status).toBe(200);
  expect(deby.process.lines.filter((line) => line.includes('"event":"db.reconnected"')).length).toBe(1);
}, 80_000);

test("200 requests during an outage of 5 s are held, and all are answered with 200", async () => {
  await using server = await startPostgres();
  await using deby = await startServe(server);
  const waiting: Promise<Response>[] = [];
  for (let i = 0; i < 100; i++) waiting.push(deby.fetch("/api/tables"));
  await server.stop();
  const stoppedAt = performance.now();
  for (let i = 0; i < 100; i++) waiting.push(deby.fetch("/api/tables"));
  await Bun.sleep(5000 - (performance.now() - stoppedAt));
  await server.start();
  const statuses = (await Promise.all(waiting)).map(({ status }) => status);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  expect(statuses.length).toBe(200);
}, 30_000);

test("deby started before Postgres serves health, and becomes ready by itself", async () => {
  await using server = await startPostgres();
  await server.stop();
  await using deby = await startServe(server, { until: "listening" });
  expect(await deby.health()).toMatchObject({ status: 503, body: { status: "error", database: "connecting" } });
  expect((await deby.fetch("/livez")).status).toBe(200);
  expect((await deby.fetch("/readyz")).status).toBe(503);
  await server.start();
  await deby.waitForState("up");
  expect((await deby.fetch("/readyz")).status).toBe(200);
  expect((await deby.fetch("/api/tables")).status).toBe(200);
  await deby.process.waitForLine(/All systems operational/);
}, 30_000);

describe.each(postgresVersions)("20 clients on the canary, PostgreSQL %i", (version) => {
  test("five times stopped and five times killed: every 201 is in the table, once", async () => {
    await using server = await startPostgres({ version });
    await using deby = await startServe(server, { args: ["--canary"] });
    await using clients = new CanaryClients(deby, 20);
    for (let cycle = 0; cycle < 10; cycle++) {
      await clients.progress(100);
      if (cycle % 2 === 0) await server.stop();
      else await server.kill9();
      await deby.waitForState("reconnecting");
      await server.start();
      await clients.progress(100);
    }
    const report = await clients.finish(server);
    expect(report.acknowledged).toBeGreaterThanOrEqual(2000);
    expect(report.notOnce).toEqual([]);
    expect(report.wrongOutcome).toEqual([]);
    // What was in flight when the server went may be unknown; nothing else may go wrong.
    expect(Object.keys(report.others).filter((key) => key !== "500 OUTCOME_UNKNOWN unknown")).toEqual([]);
    expect(deby.process.lines.join("\n")).not.toContain("not handled");
  }, 120_000);
});

test("the first GET /api/tables after outages of 5 s comes within 250 ms of Postgres accepting, at the median of 10", async () => {
  await using server = await startPostgres({ version: oldestPostgres });
  await using deby = await startServe(server);
  const lagsMs: number[] = [];
  for (let outage = 0; outage < 10; outage++) {
    await server.stop();
    const stoppedAt = performance.now();
    await deby.waitForState("reconnecting");
    await Bun.sleep(5000 - (performance.now() - stoppedAt));
    const answered = deby.fetch("/api/tables").then(({ status }) => ({ status, at: performance.now() }));
    const accepting = waitAccepting({ host: server.host, port: server.port, deadlineMs: 10_000 });
    await server.start();
    const [{ status, at }, { at: acceptedAt }] = await Promise.all([answered, accepting]);
    expect(status).toBe(200);
    lagsMs.push(at - acceptedAt);
  }
  const median = lagsMs.toSorted((a, b) => a - b)[5] as number;
  console.log(
    `first success after accepting, ms: ${lagsMs.map((ms) => ms.toFixed(0)).join(" ")}, median ${median.toFixed(0)}`,
  );
  expect(median).toBeLessThanOrEqual(250);
}, 120_000);
