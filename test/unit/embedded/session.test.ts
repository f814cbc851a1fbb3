import { describe, expect, test } from "bun:test";
import { errorResponse, readyForQuery } from "../../../src/embedded/backend-messages.ts";
import { Exchange } from "../../../src/embedded/exchange.ts";
import { frontendMessage } from "../../../src/embedded/frontend-messages.ts";
import { Session, type SessionClient } from "../../../src/embedded/session.ts";
import { ManualClock } from "../../support/manual-clock.ts";

/** What the engine was given, as words: `Q select 1`, `P name`, … without what every step ends with. */
function wordsOf(messages: Uint8Array): string[] {
  const bytes = Buffer.from(messages);
  const words: string[] = [];
  for (let at = 0; at < bytes.length; at += 1 + bytes.readUInt32BE(at + 1)) {
    const body = bytes.subarray(at + 5, at + 1 + bytes.readUInt32BE(at + 1));
    const type = String.fromCharCode(bytes[at] ?? 0);
    const text = body.toString().split("\0").filter(Boolean).join("|");
    if (type !== "f") words.push(`${type} ${text}`.trim());
  }
  return words;
}

const complete = (tag: string) => {
  const text = Buffer.from(`${tag}\0`);
  const head = Buffer.alloc(5);
  head.write("C");
  head.writeUInt32BE(4 + text.length, 1);
  return Buffer.concat([head, text]);
};

/** An engine that records what it is given and answers by the text of a simple query. */
function setUp() {
  const clock = new ManualClock();
  const ran: string[][] = [];
  const fatal: string[] = [];
  let cancelled = 0;
  let isInTransaction = false;
  let hold: Promise<void> | undefined;
  const engine = {
    async run(messages: Uint8Array, onPart: (part: Uint8Array) => void) {
      const words = wordsOf(messages);
      ran.push(words);
      await hold;
      for (const word of words) {
        if (/^Q begin/i.test(word)) isInTransaction = true;
        if (/^Q (commit|rollback)/i.test(word)) isInTransaction = false;
        const [, tag] = /^Q (SET|DISCARD ALL|INSERT)/.exec(word) ?? [];
        if (tag !== undefined) onPart(complete(tag === "INSERT" ? "INSERT 0 1" : tag));
        if (word.includes("die")) onPart(errorResponse({ severity: "FATAL", code: "57P02", message: "I die" }));
      }
      onPart(readyForQuery(isInTransaction ? "T" : "I"));
      return { isInTransaction };
    },
    cancel: () => {
      cancelled += 1;
    },
  };
  const session = new Session<FakeClient>(engine, clock, (reason) => fatal.push(reason));
  let count = 0;

  interface FakeClient extends SessionClient {
    say(type: string, ...parts: (string | Uint8Array)[]): void;
    readonly errors: string[];
  }

  function connect(settings: Record<string, string> = {}): FakeClient {
    count += 1;
    const exchange = new Exchange(count);
    const client: FakeClient = {
      settings: new Map(Object.entries(settings)),
      errors: [],
      send: () => {},
      end: ({ code }) => void client.errors.push(code),
      closeStatements: () => exchange.closeStatements(),
      forgetStatements: () => exchange.forgetStatements(),
      say(type, ...parts) {
        const step = exchange.add({ type, bytes: frontendMessage(type, ...parts) });
        if (step !== undefined) session.submit({ ...step, client });
      },
    };
    session.join(client);
    return client;
  }

  return {
    clock,
    session,
    ran,
    fatal,
    connect,
    cancelled: () => cancelled,
    settle: () => clock.advance(0),
    /** Steps do not end until the returned function is called. */
    holdSteps() {
      const { promise, resolve } = Promise.withResolvers<void>();
      hold = promise;
      return () => {
        hold = undefined;
        resolve();
      };
    },
    /** Without the resets of the session. */
    own: () => ran.filter(([first]) => !first?.startsWith("Q CLOSE ALL") && !first?.includes("set_config")).flat(),
    resets: () => ran.filter(([first]) => first?.startsWith("Q CLOSE ALL")).length,
  };
}

const noTypes = Buffer.alloc(2);
const noValues = Buffer.alloc(6);

describe("the one session", () => {
  test("is a client's from BEGIN to COMMIT", async () => {
    const { connect, own, settle } = setUp();
    const [anna, bert] = [connect(), connect()];
    anna.say("Q", "begin");
    bert.say("Q", "select 'bert'");
    await settle();
    anna.say("Q", "select 'anna'");
    await settle();
    expect(own()).toEqual(["Q begin", "Q select 'anna'"]);
    anna.say("Q", "commit");
    await settle();
    expect(own()).toEqual(["Q begin", "Q select 'anna'", "Q commit", "Q select 'bert'"]);
  });

  test("is a client's from its first message to its Sync, though it waits for answers in between", async () => {
    const { connect, own, settle } = setUp();
    const [anna, bert] = [connect(), connect()];
    anna.say("P", "", "select 1", noTypes);
    anna.say("H");
    bert.say("Q", "select 'bert'");
    await settle();
    anna.say("B", "", "", noValues);
    anna.say("S");
    await settle();
    expect(own()).toEqual(["P select 1", "H", "B", "S", "Q select 'bert'"]);
  });

  test("rolls back for a client that goes away in mid-transaction, and only then serves the others", async () => {
    const { session, connect, own, settle } = setUp();
    const [anna, bert] = [connect(), connect()];
    anna.say("Q", "begin");
    await settle();
    bert.say("Q", "select 'bert'");
    session.leave(anna);
    await settle();
    expect(own()).toEqual(["Q begin", "P client has gone", "S", "Q ROLLBACK", "Q select 'bert'"]);
  });

  test("never runs what a client was waiting for when it went, and cancels what runs for it", async () => {
    const { session, connect, own, settle, holdSteps, cancelled } = setUp();
    const [anna, bert] = [connect(), connect()];
    const goOn = holdSteps();
    anna.say("Q", "select 'anna'");
    bert.say("Q", "select 'bert'");
    await settle();
    session.leave(bert);
    session.leave(anna);
    expect(cancelled()).toBe(1);
    goOn();
    await settle();
    expect(own().join()).not.toContain("bert");
  });

  test("takes a cancelled statement out of the queue, or cancels the one that runs", async () => {
    const { session, connect, settle, holdSteps, cancelled, own } = setUp();
    const [anna, bert] = [connect(), connect()];
    const goOn = holdSteps();
    anna.say("Q", "select 'anna'");
    bert.say("Q", "select 'bert'");
    await settle();
    expect(session.cancel(bert)).toMatchObject({ endsExchange: true });
    expect(session.cancel(anna)).toBeUndefined();
    expect(cancelled()).toBe(1);
    goOn();
    await settle();
    expect(own().join()).not.toContain("bert");
  });

  test("is reset between clients when one has set something, or asked for other settings at its start", async () => {
    const { connect, settle, resets, ran } = setUp();
    const [anna, bert] = [connect({ application_name: "a" }), connect({ application_name: "a" })];
    const carl = connect({ application_name: "it's carl" });
    anna.say("Q", "select 1");
    bert.say("Q", "select 2");
    await settle();
    expect(resets()).toBe(1);
    bert.say("Q", "SET x = 1");
    bert.say("Q", "select 3");
    anna.say("Q", "select 4");
    await settle();
    expect(resets()).toBe(2);
    carl.say("Q", "select 5");
    await settle();
    expect(resets()).toBe(3);
    expect(ran.flat()).toContain("Q SELECT set_config('application_name', 'it''s carl', false)");
  });

  test("repeats the making of an unnamed statement that another client has replaced", async () => {
    const { connect, own, settle } = setUp();
    const [anna, bert] = [connect(), connect()];
    anna.say("P", "", "select 'anna'", noTypes);
    anna.say("S");
    anna.say("B", "", "", noValues);
    anna.say("S");
    await settle();
    bert.say("P", "", "select 'bert'", noTypes);
    bert.say("S");
    await settle();
    anna.say("B", "", "", noValues);
    anna.say("S");
    await settle();
    expect(own()).toEqual(["P select 'anna'", "S", "B", "S", "P select 'bert'", "S", "P select 'anna'", "B", "S"]);
  });

  test("closes the prepared statements of a client that goes", async () => {
    const { session, connect, own, settle } = setUp();
    const anna = connect();
    anna.say("P", "mine", "select 1", noTypes);
    anna.say("S");
    await settle();
    session.leave(anna);
    await settle();
    expect(own()).toEqual(["P deby1_1|select 1", "S", "C Sdeby1_1", "S"]);
  });

  test("hangs up on clients whose prepared statements another one has dropped with its own", async () => {
    const { connect, settle } = setUp();
    const [anna, bert, carl] = [connect(), connect(), connect()];
    anna.say("P", "mine", "select 1", noTypes);
    anna.say("S");
    bert.say("P", "mine", "select 2", noTypes);
    bert.say("S");
    await settle();
    bert.say("Q", "DISCARD ALL");
    await settle();
    expect([anna.errors, bert.errors, carl.errors]).toEqual([["57P01"], [], []]);
  });

  test("ends a client that keeps a transaction open for a minute while others wait", async () => {
    const { clock, connect, settle } = setUp();
    const [anna, bert] = [connect(), connect()];
    anna.say("Q", "begin");
    await settle();
    bert.say("Q", "select 1");
    await clock.advance(60_000);
    expect(anna.errors).toEqual(["25P03"]);
  });

  test("writes a checkpoint after writes, and none after reads", async () => {
    const { session, connect, own, settle } = setUp();
    const anna = connect();
    anna.say("Q", "INSERT into t values (1)");
    await settle();
    session.checkpoint();
    session.checkpoint();
    await settle();
    expect(own().filter((word) => word === "Q CHECKPOINT")).toHaveLength(1);
  });

  test("tells when Postgres says that it does not go on", async () => {
    const { connect, settle, fatal } = setUp();
    connect().say("Q", "die");
    await settle();
    expect(fatal).toContain("I die");
  });
});
