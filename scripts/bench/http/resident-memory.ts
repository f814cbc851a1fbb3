/** Megabytes of main memory that a process holds, what it shares with others included. */
export function residentMegabytes(pid: number): number {
  const { stdout } = Bun.spawnSync(["ps", "-o", "rss=", "-p", String(pid)]);
  return Number(stdout.toString()) / 1024;
}
