/**
 * For tests that mostly wait. Of those that the runner begins together, so many go on at once, in order; the time limit
 * of each has to have room for its turn.
 */
export function someAtOnce(count: number): (work: () => Promise<void>) => Promise<void> {
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
