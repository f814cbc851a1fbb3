import { readFileSync } from "node:fs";

const EVERY_MS = 1000;

/** How much memory a process has, second by second, in megabytes. */
export class MemoryWatch implements Disposable {
  readonly samples: number[] = [];
  readonly #timer: Timer;

  constructor(pid: number) {
    this.#timer = setInterval(() => this.samples.push(residentMegabytes(pid)), EVERY_MS);
  }

  /** The means of the first and of the last third. */
  get thirds(): { readonly first: number; readonly last: number } {
    const third = Math.floor(this.samples.length / 3);
    return { first: mean(this.samples.slice(0, third)), last: mean(this.samples.slice(-third)) };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

function residentMegabytes(pid: number): number {
  if (process.platform !== "linux") {
    return Number(Bun.spawnSync(["ps", "-o", "rss=", "-p", String(pid)]).stdout.toString()) / 1024;
  }
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
