/**
 * Runs `work` to its end, or to the first SIGINT or SIGTERM, of which the signal tells it; a second one ends the
 * process at once. Returns the exit code.
 */
export async function runInterruptibly(work: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const interruption = new AbortController();
  const interrupt = () => {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    interruption.abort();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    await work(interruption.signal);
    return 0;
  } catch (error) {
    // Ctrl-C reaches the children too, so that it may be heard of as a child that has ended.
    if (interruption.signal.aborted) return 130;
    console.error((error as Error).message);
    return 1;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}
