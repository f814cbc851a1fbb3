import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { FaultProxy } from "../../../src/outage/fault-proxy.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { type ServedDeby, type ServeOptions, startServe } from "../../support/serve.ts";
import { waitUntil } from "../../support/wait-until.ts";

const ROUTES = fileURLToPath(import.meta.resolve("./once-routes.ts"));
const CLIENTS = 50;
/** So long the work takes at least: all clients have come by then, and an outage meets it. */
const WORK_MS = 1000;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly isReplay: boolean;
  readonly retryAfter: string | null;
}

let server: PostgresServer;
let proxy: FaultProxy;
let served: ServedDeby[];

beforeAll(async () => {
  server = await startPostgres();
  await server.psql("CREATE TABLE sale (id int GENERATED ALWAYS AS IDENTITY, item text NOT NULL)");
  proxy = await FaultProxy.listen({ target: { host: server.host, port: server.port } });
  served = await Promise.all([serve(), serve(), serve()]);
});
afterAll(async () => {
  for (const deby of served) await deby[Symbol.asyncDispose]();
  await proxy.close();
  await server[Symbol.asyncDispose]();
});

function serve({ args = [], ...options }: ServeOptions = {}): Promise<ServedDeby> {
  return startServe(server, {
    ...options,
    args: ["--canary", "--routes", ROUTES, ...args],
    env: { POSTGRES_PORT: String(proxy.port) },
  });
}

async function sell(deby: ServedDeby, item: string, { key = item, ms = WORK_MS } = {}): Promise<Answer> {
  const response = await deby.fetch("/sales", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ item, ms }),
  });
  const { status, headers } = response;
  const isReplay = headers.get("Idempotent-Replayed") === "true";
  return { status, text: await response.text(), isReplay, retryAfter: headers.get("Retry-After") };
}

const sales = (item: string) => server.psql<{ id: number }>(`SELECT id FROM sale WHERE item = '${item}'`);

/** Whether a run of the work sleeps in the server. */
async function isAtWork(): Promise<boolean> {
  const found = await server.psql("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
  return found.length > 0;
}

const workToBegin = () => waitUntil("the work is under way", isAtWork);

const TROUBLES = {
  "in peace": async () => {},
  "through a stop and start of the server": async () => {
    await workToBegin();
    await server.stop("fast");
    await server.start();
  },
  "through a reset of all connections in mid-work": async () => {
    await workToBegin();
    expect(proxy.resetAll()).toBeGreaterThan(0);
  },
  "through a reset of all connections when it is committed and nobody knows": async (item: string) => {
    proxy.onClientData = (_, chunk) => {
      if (!chunk.includes("commit\0")) return undefined;
      proxy.onClientData = () => undefined;
      return { kind: "silence-replies", afterBytes: chunk.length };
    };
    await waitUntil("the work is committed", async () => (await sales(item)).length > 0);
    expect(proxy.resetAll()).toBeGreaterThan(0);
  },
} as const satisfies Record<string, (item: string) => Promise<void>>;

describe.each([1, 3])("50 clients with the same key, at %i processes", (count) => {
  const deby = (index: number) => served[index % count] as ServedDeby;

  test.each(Object.entries(TROUBLES))(
    "%s: the work happens once, and all get the same answer",
    async (name, trouble) => {
      const item = `${count} ${name}`;
      const asked = Array.from({ length: CLIENTS }, (_, index) => sell(deby(index), item));
      await trouble(item);
      const answers = await Promise.all(asked);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(answers.filter(({ isReplay }) => !isReplay).length).toBe(1);
      const [first] = answers;
      expect(await sales(item)).toEqual([{ id: JSON.parse(first?.text ?? "").id }]);
    },
  );

  test("write one canary", async () => {
    const id = randomUUID();
    const put = async (index: number) => {
      const response = await deby(index).fetch(`/api/canary/${id}`, { method: "PUT" });
      return { status: response.status, text: await response.text() };
    };
    const answers = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => put(index)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(CLIENTS - 1).fill(200), 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await server.psql(`SELECT count(*)::int AS count FROM deby.canary WHERE id = '${id}'`)).toEqual([
      { count: 1 },
    ]);
  });
});

test("another body with the same key is KEY_REUSED in each process, during the work and after it", async () => {
  const key = "reused";
  const refused = async () => {
    const answers = await Promise.all(served.map((deby) => sell(deby, "another", { key, ms: 0 })));
    for (const { status, text } of answers) {
      expect([status, JSON.parse(text)]).toMatchObject([422, { code: "KEY_REUSED", outcome: "not-executed" }]);
    }
  };
  const first = sell(served[0] as ServedDeby, "first", { key });
  await workToBegin();
  await refused();
  expect((await first).status).toBe(201);
  await refused();
  expect([(await sales("first")).length, await sales("another")]).toEqual([1, []]);
});

describe("a deadline shorter than the work", () => {
  let hasty: ServedDeby;
  beforeAll(async () => {
    hasty = await serve({ args: ["--request-timeout", "500ms"] });
  });
  afterAll(() => hasty[Symbol.asyncDispose]());

  const crowdOf = (item: string) => Promise.all(Array.from({ length: CLIENTS }, () => sell(hasty, item, { ms: 2000 })));

  test("gets KEY_IN_PROGRESS while another process is at it, and its result later", async () => {
    const item = "slow";
    const first = sell(served[0] as ServedDeby, item, { ms: 2000 });
    await workToBegin();
    const answers = await crowdOf(item);
    const refused = answers.filter(({ status }) => status === 409);
    for (const { text, retryAfter } of refused) {
      expect([retryAfter, JSON.parse(text)]).toMatchObject(["1", { code: "KEY_IN_PROGRESS" }]);
    }
    // Who waits at the server itself may hear of it only after his deadline, on a busy machine.
    for (const { status, text } of answers.filter((answer) => !refused.includes(answer))) {
      expect([status, JSON.parse(text)]).toMatchObject([504, { code: "DEADLINE_EXCEEDED" }]);
    }
    expect(refused.length).toBeGreaterThanOrEqual(CLIENTS - 5);
    const later = await waitUntil("the result is there", async () => {
      const answer = await sell(hasty, item, { ms: 2000 });
      return answer.status === 201 && answer;
    });
    expect(later).toMatchObject({ isReplay: true, text: (await first).text });
    expect((await sales(item)).length).toBe(1);
  });

  test("ends the work without a trace when it is its own, and the key is free", async () => {
    const item = "endless";
    for (const { status, text } of await crowdOf(item)) {
      const { code } = JSON.parse(text);
      expect([status, code]).toBeOneOf([
        [409, "KEY_IN_PROGRESS"],
        [504, "DEADLINE_EXCEEDED"],
      ]);
    }
    await waitUntil("the work is over", async () => !(await isAtWork()));
    expect(await sales(item)).toEqual([]);
    expect((await sell(served[0] as ServedDeby, item, { ms: 2000 })).status).toBe(201);
    expect((await sales(item)).length).toBe(1);
  });
});
