/** Keeps `concurrency` statements going for `durationMs`; returns how many were answered, and in how long. */
export async function drive(
  run: (n: number) => PromiseLike<unknown>,
  { concurrency, durationMs }: { readonly concurrency: number; readonly durationMs: number },
): Promise<{ statements: number; seconds: number }> {
  let begun = 0;
  let isOver = false;
  // A flag set by a timer, so that the clock is not read for every statement.
  const timer = setTimeout(() => {
    isOver = true;
  }, durationMs);
  const keepGoing = async () => {
    while (!isOver) {
      begun += 1;
      await run(begun);
    }
  };
  const startedAt = performance.now();
  try {
    await Promise.all(Array.from({ length: concurrency }, keepGoing));
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
  // The last ones are waited for and counted.
  return { statements: begun, seconds: (performance.now() - startedAt) / 1000 };
}
