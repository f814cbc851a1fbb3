import type { Subprocess } from "bun";
import { buildIfStale } from "../../scripts/build.ts";
import { ChildOutput } from "./child-output.ts";
import { makeTempFolder, type TempFolder } from "./temp-folder.ts";
import { within } from "./wait-until.ts";

export interface DebyOptions {
  /** Added to a clean environment: nothing of the database or of deby comes in from outside. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a fresh empty folder. */
  readonly cwd?: string;
  /** What deby can read; default nothing. */
  readonly stdin?: string;
}

export interface DebyResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: Subprocess["signalCode"];
  readonly stdout: string;
  readonly stderr: string;
}

let built: Promise<string> | undefined;

/** The executable's path; it is built first where it is older than its sources. */
export function debyExecutable(): Promise<string> {
  built ??= buildIfStale();
  return built;
}

/**
 * Runs deby to its end.
 * @throws Error with all output when it has not ended within `deadlineMs` (default 30 000).
 */
export async function runDeby(
  args: readonly string[],
  options: DebyOptions & { readonly deadlineMs?: number } = {},
): Promise<DebyResult> {
  await using deby = await spawnDeby(args, options);
  return await deby.waitForExit(options.deadlineMs ?? 30_000);
}

/** Starts deby: `await using deby = await spawnDeby(["serve"])`. Disposal kills it. */
export async function spawnDeby(args: readonly string[], options: DebyOptions = {}): Promise<DebyProcess> {
  const executable = await debyExecutable();
  const home = makeTempFolder("deby");
  // Should the tests be killed, deby goes too.
  const prefix = Bun.which("setpriv") === null ? [] : ["setpriv", "--pdeathsig", "TERM", "--"];
  const child = Bun.spawn([...prefix, executable, ...args], {
    cwd: options.cwd ?? home.path,
    env: { ...cleanEnvironment(home.path), ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
  });
  return new DebyProcess(child, home);
}

function cleanEnvironment(home: string): Record<string, string> {
  const kept = ["PATH", "TMPDIR", "DOCKER_HOST", "CI"].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(kept), HOME: home, NO_COLOR: "1" };
}

export class DebyProcess implements AsyncDisposable {
  readonly pid: number;
  /** Resolves once it is gone and everything that it wrote is here. */
  readonly exited: Promise<DebyResult>;
  readonly #child: Subprocess;
  readonly #home: TempFolder;
  readonly #output = new ChildOutput();

  constructor(child: Subprocess<"ignore" | Blob, "pipe", "pipe">, home: TempFolder) {
    this.#child = child;
    this.#home = home;
    this.pid = child.pid;
    const read = [this.#output.collect("stdout", child.stdout), this.#output.collect("stderr", child.stderr)];
    this.exited = Promise.all([child.exited, ...read]).then(() => ({
      exitCode: child.exitCode,
      signal: child.signalCode,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  get stderr(): string {
    return this.#output.stderr;
  }

  /** Complete lines of both streams, in order of arrival. */
  get lines(): readonly string[] {
    return this.#output.lines;
  }

  /**
   * Waits for a line of either stream; one that has come already counts, from line number `from` on (default 0).
   * @throws Error with all output when the deadline (default 10 000 ms) passes or deby ends without it.
   */
  waitForLine(pattern: RegExp, deadlineMs = 10_000, from = 0): Promise<RegExpMatchArray> {
    const ended = this.exited.then(() => undefined);
    return this.#output.waitForLine(pattern, deadlineMs, from, ended);
  }

  /** @throws Error with all output when it still runs after `deadlineMs`. */
  async waitForExit(deadlineMs = 30_000): Promise<DebyResult> {
    try {
      return await within("the end of deby", deadlineMs, this.exited);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.lines.join("\n")}`);
    }
  }

  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.kill("SIGKILL");
    await this.#child.exited;
    await this.#home[Symbol.asyncDispose]();
  }
}
