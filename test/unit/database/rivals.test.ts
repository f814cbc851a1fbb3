import { describe, expect, test } from "bun:test";
import type { HostRefused } from "../../../src/database/events.ts";
import { type History, isOlder, mayFollow } from "../../../src/database/history.ts";
import type { ProbeConnection } from "../../../src/database/monitor.ts";
import { type Found, Rivals } from "../../../src/database/rivals.ts";

function found(name: string, history: History | undefined): Found {
  const connection = { backend: { server: name }, facts: { address: name } } as unknown as ProbeConnection;
  return { host: { host: name, port: 5432 }, connection, history, isSuccessor: false };
}

const at = (timeline: number, system = "s") => ({ system, timeline });

describe("of two histories", () => {
  test.each<[string, History | undefined, History | undefined, boolean]>([
    ["an earlier timeline is the older one", at(1), at(2), true],
    ["the same timeline is not", at(2), at(2), false],
    ["a later one is not", at(3), at(2), false],
    ["two systems have nothing to do with each other, as after an upgrade", at(1), at(7, "t"), false],
    ["an unknown one is no reason to leave", at(0), at(2), false],
    ["an unknown other is not either", at(1), at(0), false],
    ["one that was not asked is not older", undefined, at(2), false],
  ])("%s", (_, one, other, isTheOlder) => {
    expect(isOlder(one, other)).toBe(isTheOlder);
  });
});

describe("of a standby's history and a primary's", () => {
  test.each<[string, History, History, boolean]>([
    ["the same system and timeline are of one that follows", at(2), at(2), true],
    ["an earlier timeline is not", at(1), at(2), false],
    ["a later one is not", at(3), at(2), false],
    ["another system is not, whatever its timeline", at(2, "t"), at(2), false],
    ["nothing speaks against an unknown timeline", at(0), at(2), true],
    ["nor against an unknown system", at(2, ""), at(2), true],
    ["another system is one, also where the timeline is not known", at(0, "t"), at(2), false],
  ])("%s", (_, standby, primary, expected) => {
    expect(mayFollow(standby, primary)).toBe(expected);
  });
});

describe("rivals", () => {
  function setUp() {
    const refused: HostRefused[] = [];
    return { rivals: new Rivals((event) => void refused.push(event)), refused };
  }

  test("the one that was promoted last is used, and the other told of once", () => {
    const { rivals, refused } = setUp();
    const both = [found("a", at(1)), found("b", at(2))];
    expect(rivals.latest(both)?.host.host).toBe("b");
    expect(rivals.latest(both.toReversed())?.host.host).toBe("b");
    expect(refused).toEqual([{ address: "a", timeline: 1, used: "b", usedTimeline: 2 }]);
  });

  test("of equals the first is used", () => {
    const { rivals, refused } = setUp();
    expect(rivals.latest([found("a", at(2)), found("b", at(2))])?.host.host).toBe("a");
    expect(refused).toEqual([{ address: "b", timeline: 2, used: "a", usedTimeline: 2 }]);
  });

  test("two addresses of one server are no rivals", () => {
    const { rivals, refused } = setUp();
    const one = found("a", at(2));
    expect(rivals.latest([one, { ...one, host: { host: "alias", port: 1 } }])).toBe(one);
    expect(refused).toEqual([]);
  });

  test("whoever has been part of a later history does not go back", () => {
    const { rivals, refused } = setUp();
    expect(rivals.isOutdated(found("a", at(1)))).toBe(false);
    expect(rivals.isSuccessor(at(1))).toBe(false);
    rivals.use(found("b", at(2)));
    expect([at(1), at(2), at(3), at(3, "t"), undefined].map((history) => rivals.isSuccessor(history))).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
    expect(rivals.isOutdated(found("a", at(1)))).toBe(true);
    expect(rivals.isOutdated(found("b", at(2)))).toBe(false);
    expect(rivals.isOutdated(found("upgraded", at(1, "t")))).toBe(false);
    expect(refused).toEqual([{ address: "a", timeline: 1, used: "b", usedTimeline: 2 }]);
  });
});
