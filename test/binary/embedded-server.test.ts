import { describe, expect, test } from "bun:test";
import { existsSync, statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type StartedEmbedded, startEmbedded } from "../support/embedded.ts";
import { debyExecutable } from "../support/executable.ts";
import { waitUntil } from "../support/wait-until.ts";

/** SQLSTATE, or the driver's code, of what a statement ends with. */
async function codeOf(work: PromiseLike<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

/** Something that keeps PGlite's thread busy for about so many seconds, without a pause in it. */
const work = (embedded: StartedEmbedded, rows: number) =>
  embedded.connect()`select count(*)::int as count from generate_series(1, ${rows}::int)`;

const MANY = 2_000_000_000;

describe("the embedded server's clients share one session and notice little of it", () => {
  test("transactions are isolated: others see nothing before COMMIT, and wait", async () => {
    await using embedded = await startEmbedded();
    const [anna, bert] = [embedded.connect(), embedded.connect()];
    await anna`create table t (a int)`;
    let isAnswered = false;
    await anna.begin(async (tx) => {
      await tx`insert into t values (1)`;
      void bert`select count(*)::int as count from t`.then(() => {
        isAnswered = true;
      });
      await Bun.sleep(100);
      expect(isAnswered).toBe(false);
      await tx`insert into t values (2)`;
    });
    expect(await bert`select count(*)::int as count from t`).toEqual([{ count: 2 }] as never);
  });

  test("prepared statements of two clients do not meet, whatever they are called", async () => {
    await using embedded = await startEmbedded();
    const raw = [await RawClient.open(embedded), await RawClient.open(embedded)] as const;
    for (const [index, client] of raw.entries()) {
      await client.ask(client.parse("same", `select 'client ${index}'`), client.sync());
    }
    for (const [index, client] of raw.entries()) {
      expect(await client.ask(client.bind("same"), client.execute(), client.sync())).toContain(`client ${index}`);
    }
    for (const [index, client] of raw.entries()) {
      await client.ask(client.parse("", `select 'unnamed ${index}'`), client.sync());
    }
    for (const [index, client] of raw.entries()) {
      expect(await client.ask(client.bind(""), client.execute(), client.sync())).toContain(`unnamed ${index}`);
    }
    for (const client of raw) client.close();
  });

  test("a client that vanishes in mid-transaction is rolled back, and the others go on", async () => {
    await using embedded = await startEmbedded();
    const anna = embedded.connect();
    await anna`create table t (a int)`;
    const raw = await RawClient.open(embedded);
    await raw.ask(raw.query("begin; insert into t values (1)"));
    const waiting = anna`select count(*)::int as count from t`;
    await Bun.sleep(50);
    raw.close();
    expect(await waiting).toEqual([{ count: 0 }] as never);
    // And one that vanishes between its messages and their Sync.
    const other = await RawClient.open(embedded);
    await other.ask(other.parse("", "insert into t values (2)"), other.bind(""), other.execute(), other.flush());
    other.close();
    expect(await anna`select count(*)::int as count from t`).toEqual([{ count: 0 }] as never);
  });

  test("what one client sets is not there for the next, and startup settings are each client's own", async () => {
    await using embedded = await startEmbedded();
    const anna = embedded.connect({ connection: { application_name: "anna" } });
    const bert = embedded.connect({ connection: { application_name: "bert", TimeZone: "Europe/Berlin" } });
    const ask = (sql: typeof anna) =>
      sql`select current_setting('application_name') as name, current_setting('TimeZone') as zone,
        current_setting('work_mem') as memory`;
    await anna`set work_mem = '7MB'`;
    await anna`create temp table mine (a int)`;
    expect(await ask(bert)).toEqual([{ name: "bert", zone: "Europe/Berlin", memory: "4MB" }] as never);
    expect(await ask(anna)).toEqual([{ name: "anna", zone: "UTC", memory: "4MB" }] as never);
    expect(await codeOf(bert`select * from mine`)).toBe("42P01");
  });

  test("an error in the extended protocol skips to the Sync, and the session stays usable", async () => {
    await using embedded = await startEmbedded();
    const sql = embedded.connect();
    expect(await codeOf(sql`select ${1}::int / 0`)).toBe("22012");
    expect(await codeOf(sql`select nonsense`)).toBe("42703");
    expect(await sql`select ${2}::int as two`).toEqual([{ two: 2 }] as never);
  });

  test("answers larger than any buffer arrive whole", async () => {
    await using embedded = await startEmbedded();
    const [row] = await embedded.connect()`select repeat('x', 5000000) as text, count(*)::int as rows
      from generate_series(1, 10)`;
    expect(row?.["text"].length).toBe(5_000_000);
    const rows = await embedded.connect()`select g, repeat('y', 100) as text from generate_series(1, 20000) g`;
    expect(rows.length).toBe(20_000);
  });

  test("libraries that Postgres loads when they are needed are loaded: PL/pgSQL, stemming", async () => {
    await using embedded = await startEmbedded();
    const sql = embedded.connect();
    await sql.unsafe("do $$ begin perform 1; end $$");
    expect(await sql`select to_tsvector('english', 'connections')::text as words`).toEqual([
      { words: "'connect':1" },
    ] as never);
    expect(await sql`select length(gen_random_uuid()::text) as length`).toEqual([{ length: 36 }] as never);
  });

  test("COPY FROM STDIN is refused politely, COPY TO STDOUT works", async () => {
    await using embedded = await startEmbedded();
    const raw = await RawClient.open(embedded);
    await raw.ask(raw.query("create table t (a int)"));
    expect(await raw.ask(raw.query("copy t from stdin"))).toContain("takes no COPY FROM STDIN");
    expect(await raw.ask(raw.query("copy (select 'hello') to stdout"))).toContain("hello");
    raw.close();
  });
});

describe("the embedded server lets in", () => {
  test("nobody without the password, to no other database, and answers both at once while a statement runs", async () => {
    await using embedded = await startEmbedded();
    const slow = work(embedded, MANY);
    slow.catch(() => {});
    await waitUntil("it is busy", () => embedded.server.isBusy());
    const startedAt = performance.now();
    expect(await codeOf(embedded.connect({ password: "wrong" })`select 1`)).toBe("28P01");
    expect(await codeOf(embedded.connect({ username: "me" })`select 1`)).toBe("28P01");
    expect(await codeOf(embedded.connect({ database: "other" })`select 1`)).toBe("3D000");
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });

  test("whoever reads its service file, which is for this user alone", async () => {
    await using embedded = await startEmbedded();
    const { serviceFile, endpoint } = embedded.server;
    expect(statSync(serviceFile).mode & 0o777).toBe(0o600);
    expect(await Bun.file(serviceFile).text()).toContain(`port=${endpoint.port}\n`);
    await embedded.server.close();
    expect(existsSync(serviceFile)).toBe(false);
  });
});

describe("a statement in the embedded server", () => {
  test("can be cancelled while it runs, and while it waits for its turn", async () => {
    await using embedded = await startEmbedded();
    const slow = work(embedded, MANY);
    const slowCode = codeOf(slow);
    await waitUntil("it is busy", () => embedded.server.isBusy());
    const waiting = embedded.connect()`select 1`;
    const waitingCode = codeOf(waiting);
    await Bun.sleep(200);
    waiting.cancel();
    expect(await waitingCode).toBe("57014");
    const cancelledAt = performance.now();
    slow.cancel();
    expect(await slowCode).toBe("57014");
    expect(performance.now() - cancelledAt).toBeLessThan(1000);
    expect(await embedded.connect()`select 1 as one`).toEqual([{ one: 1 }] as never);
  });

  test("ends when its client has gone", async () => {
    await using embedded = await startEmbedded();
    const raw = await RawClient.open(embedded);
    raw.send(raw.query(`select count(*) from generate_series(1, ${MANY})`));
    await waitUntil("it is busy", () => embedded.server.isBusy());
    const waiting = embedded.connect()`select 1 as one`;
    await Bun.sleep(200);
    raw.close();
    expect(await waiting).toEqual([{ one: 1 }] as never);
  });

  test("that goes too deep ends with an error, and nothing else does", async () => {
    await using embedded = await startEmbedded();
    const sql = embedded.connect();
    await sql.unsafe("create function deep(n int) returns int language plpgsql as $$ begin return deep(n + 1); end $$");
    expect(await codeOf(sql`select deep(1)`)).toBe("54001");
    expect(await codeOf(sql.unsafe(`select ${"(1+".repeat(3000)}1${")".repeat(3000)}`))).toBe("54001");
    expect(embedded.events.map(({ type }) => type)).toEqual(["ready"]);
  });

  test("that breaks PGlite ends the server, which comes back with everything that was committed", async () => {
    await using embedded = await startEmbedded();
    const sql = embedded.connect();
    await sql`create table t as select 1 as a`;
    // PGlite 0.5.16 calls a function that is not there, and would go on with what it has left.
    expect(await codeOf(embedded.connect()`select convert_to('é', 'LATIN1')`)).not.toBe("none");
    await waitUntil("it is back", () => embedded.events.length === 3);
    expect(embedded.events[1]).toMatchObject({ type: "ended", reason: expect.stringContaining("TypeError") });
    expect(await embedded.connect()`select a from t`).toEqual([{ a: 1 }] as never);
  });
});

describe("the embedded server's process", () => {
  test("is killed, stopped and started on the same port, with its data", async () => {
    await using embedded = await startEmbedded();
    const { server } = embedded;
    await embedded.connect()`create table t as select 1 as a`;
    const pid = server.pid;
    await server.kill();
    expect(server.pid).toBeUndefined();
    expect(await server.isBusy()).toBe(false);
    expect(await codeOf(embedded.connect({ connect_timeout: 1 })`select 1`)).toBe("ECONNREFUSED");
    server.start();
    await waitUntil("it is ready", () => embedded.events.length === 2);
    expect(server.pid).not.toBe(pid);
    expect(await embedded.connect()`select a from t`).toEqual([{ a: 1 }] as never);
    await server.stop();
    server.start();
    await waitUntil("it is ready", () => embedded.events.length === 3);
    expect(await embedded.connect()`select a from t`).toEqual([{ a: 1 }] as never);
  });

  test("that ends by itself is started again, on the same port", async () => {
    await using embedded = await startEmbedded();
    await embedded.connect()`create table t as select 1 as a`;
    process.kill(embedded.server.pid ?? 0, "SIGKILL");
    await waitUntil("it is back", () => embedded.events.length === 3);
    expect(embedded.events.map(({ type }) => type)).toEqual(["ready", "ended", "ready"]);
    expect(await embedded.connect()`select a from t`).toEqual([{ a: 1 }] as never);
  });

  test("is alive and busy, or gone, or frozen", async () => {
    await using embedded = await startEmbedded();
    const slow = work(embedded, MANY);
    slow.catch(() => {});
    await waitUntil("it is busy", () => embedded.server.isBusy());
    const answersMs: number[] = [];
    for (let i = 0; i < 5; i++) {
      const askedAt = performance.now();
      expect(await embedded.server.isBusy()).toBe(true);
      answersMs.push(performance.now() - askedAt);
    }
    expect(Math.min(...answersMs)).toBeLessThan(200);
    embedded.server.freeze();
    expect(await embedded.server.isBusy()).toBe(false);
    embedded.server.thaw();
    await waitUntil("it answers again", () => embedded.server.isBusy());
  });

  test("is stopped in mid-statement within two seconds, and has nothing to recover at its next start", async () => {
    await using embedded = await startEmbedded();
    const slow = work(embedded, MANY);
    const code = codeOf(slow);
    await Bun.sleep(300);
    const stoppedAt = performance.now();
    await embedded.server.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(2000);
    expect(await code).not.toBe("none");
    expect(existsSync(join(embedded.server.dataDir, "data", "postmaster.pid"))).toBe(false);
  });

  test("started by hand says how it is meant: exit 2", async () => {
    const { exitCode, stderr } = Bun.spawnSync([await debyExecutable(), "embedded-server", "."], { stderr: "pipe" });
    expect({ exitCode, stderr: stderr.toString() }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("deby serve --embedded"),
    });
  });
});

/** A client that speaks the protocol itself, message by message. */
class RawClient {
  readonly #socket: ReturnType<typeof connect>;
  #answer = "";

  private constructor(socket: ReturnType<typeof connect>) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#answer += chunk.toString("latin1");
    });
    socket.on("error", () => {});
  }

  static async open({ server }: StartedEmbedded): Promise<RawClient> {
    const { host, port, user, password, database } = server.endpoint;
    const client = new RawClient(connect({ host, port }));
    const pairs = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + pairs.length, 0);
    head.writeUInt32BE(196_608, 4);
    client.#socket.write(Buffer.concat([head, pairs]));
    await waitUntil("it asks for the password", () => client.#answer.startsWith("R"));
    await client.ask(client.#message("p", `${password.reveal()}\0`));
    return client;
  }

  query = (sql: string) => this.#message("Q", `${sql}\0`);
  parse = (name: string, sql: string) => this.#message("P", `${name}\0${sql}\0\0\0`);
  bind = (name: string) => this.#message("B", `\0${name}\0\0\0\0\0\0\0`);
  execute = () => this.#message("E", "\0\0\0\0\0");
  sync = () => this.#message("S", "");
  flush = () => this.#message("H", "");

  send(...messages: Buffer[]): void {
    this.#socket.write(Buffer.concat(messages));
  }

  /** Sends and waits until the server is ready again, or has answered so far as it was asked to. */
  async ask(...messages: Buffer[]): Promise<string> {
    this.#answer = "";
    this.send(...messages);
    const end = messages.at(-1)?.toString("latin1", 0, 1) === "H" ? /C.{4}INSERT/s : /Z.{4}[ITE]$/s;
    await waitUntil("an answer", () => end.test(this.#answer));
    return this.#answer;
  }

  close(): void {
    this.#socket.resetAndDestroy();
  }

  #message(type: string, body: string): Buffer {
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeUInt32BE(4 + Buffer.byteLength(body), 1);
    return Buffer.concat([head, Buffer.from(body)]);
  }
}
