import { test } from "bun:test";

/** For all tests of a file: the runner begins those that go on at once together, and counts from there. */
const LIMIT_MS = 600_000;

type Work<Row extends readonly unknown[]> = (...row: [...Row]) => Promise<void>;

interface TestsAtOnce {
  (name: string, work: () => Promise<void>): void;
  each: <const Row extends readonly unknown[]>(rows: readonly Row[]) => (name: string, work: Work<Row>) => void;
}

/** Takes the place of `test` where tests mostly wait: of those in the file so many go on at once, in order. */
export function testsAtOnce(count: number): TestsAtOnce {
  const inTurn = someAtOnce(count);
  const one = (name: string, work: () => Promise<void>): void => {
    test.concurrent(name, () => inTurn(work), LIMIT_MS);
  };
  const each: TestsAtOnce["each"] = (rows) => (name, work) => {
    const add = test.concurrent.each<readonly unknown[]>(rows);
    add(name, (...row) => inTurn(() => work(...(row as Parameters<typeof work>))), LIMIT_MS);
  };
  return Object.assign(one, { each });
}

function someAtOnce(count: number): (work: () => Promise<void>) => Promise<void> {
  const queue: (() => void)[] = [];
  let free = count;
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => queue.push(resolve));
    else free -= 1;
    try {
      await work();
    } finally {
      const next = queue.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
