import { describe, expect, test } from "bun:test";
import { type Turn, Turns } from "../../../src/embedded/turns.ts";
import { ManualClock } from "../../support/manual-clock.ts";

type Client = { name: string };
const anna = { name: "anna" };
const bert = { name: "bert" };

/** Turns whose work ends when the test says so. */
function setUp() {
  const clock = new ManualClock();
  const idle: string[] = [];
  const errors: unknown[] = [];
  const turns = new Turns<Client>({
    clock,
    onIdleHolder: ({ name }) => idle.push(name),
    onError: (error) => errors.push(error),
  });
  const begun: string[] = [];
  const ends: ((isKept: boolean) => void)[] = [];
  const turn = (client: Client | undefined, label: string, endsExchange = true): Turn<Client> => ({
    client,
    endsExchange,
    work: () => {
      begun.push(label);
      return new Promise((resolve) => ends.push(resolve));
    },
  });
  const end = async (isKept = false) => {
    ends.shift()?.(isKept);
    await clock.advance(0);
  };
  return { clock, turns, idle, errors, begun, turn, end };
}

describe("turns", () => {
  test("are taken one at a time, in order of arrival", async () => {
    const { turns, turn, begun, end } = setUp();
    turns.add(turn(anna, "a1"));
    turns.add(turn(bert, "b1"));
    turns.add(turn(anna, "a2"));
    expect(begun).toEqual(["a1"]);
    await end();
    expect(begun).toEqual(["a1", "b1"]);
    await end();
    expect(begun).toEqual(["a1", "b1", "a2"]);
  });

  test("of others wait while a client keeps the session", async () => {
    const { turns, turn, begun, end } = setUp();
    turns.add(turn(anna, "a1"));
    turns.add(turn(bert, "b1"));
    await end(true);
    expect(turns.holder).toBe(anna);
    expect(begun).toEqual(["a1"]);
    turns.add(turn(anna, "a2"));
    expect(begun).toEqual(["a1", "a2"]);
    await end(false);
    expect(begun).toEqual(["a1", "a2", "b1"]);
  });

  test("can be withdrawn, exchange by exchange or all at once", async () => {
    const { turns, turn, begun, end } = setUp();
    turns.add(turn(bert, "b1"));
    const [first, second, third] = [turn(anna, "a1", false), turn(anna, "a2"), turn(anna, "a3")];
    for (const one of [first, second, third]) turns.add(one);
    expect(turns.withdrawExchange(anna)).toBe(second);
    turns.add(turn(bert, "b2"));
    turns.withdrawAll(bert);
    await end();
    expect(begun).toEqual(["b1", "a3"]);
    expect(turns.withdrawExchange(bert)).toBeUndefined();
  });

  test("a client that keeps the session and asks for nothing is named after a minute, if others wait", async () => {
    const { clock, turns, turn, idle, end } = setUp();
    turns.add(turn(anna, "a1"));
    await end(true);
    await clock.advance(120_000);
    expect(idle).toEqual([]);
    turns.add(turn(undefined, "ours"));
    await clock.advance(120_000);
    expect(idle).toEqual([]);
    turns.add(turn(bert, "b1"));
    await clock.advance(59_000);
    turns.add(turn(anna, "a2"));
    await end(true);
    await clock.advance(30_000);
    turns.add(turn(bert, "b2"));
    await clock.advance(29_000);
    expect(idle).toEqual([]);
    await clock.advance(1000);
    expect(idle).toEqual(["anna"]);
  });

  test("make it busy while one runs, while it is kept, and for a moment longer", async () => {
    const { clock, turns, turn, end } = setUp();
    expect(turns.isBusy).toBe(false);
    turns.add(turn(anna, "a1"));
    expect(turns.isBusy).toBe(true);
    await end(true);
    await clock.advance(10_000);
    expect(turns.isBusy).toBe(true);
    turns.add(turn(anna, "a2"));
    await end();
    await clock.advance(2900);
    expect(turns.isBusy).toBe(true);
    await clock.advance(200);
    expect(turns.isBusy).toBe(false);
  });

  test("rest() waits for all of them; one that fails is told and ends nothing", async () => {
    const { turns, turn, begun, errors, end } = setUp();
    turns.add({ client: anna, endsExchange: true, work: () => Promise.reject(new Error("broken")) });
    turns.add(turn(bert, "b1"));
    let isResting = false;
    void turns.rest().then(() => {
      isResting = true;
    });
    await end();
    expect(errors).toEqual([new Error("broken")]);
    expect(begun).toEqual(["b1"]);
    await end();
    expect(isResting).toBe(true);
  });
});
