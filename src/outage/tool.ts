import type { Subprocess } from "bun";
import { systemClock } from "../core/clock.ts";
import { DebyError } from "../errors.ts";
import { Interrupted } from "./interruption.ts";

/** Variables by name; null takes one away. */
export type Environment = Readonly<Record<string, string | null>>;

export interface ToolOptions {
  /** Longest time for the command, in milliseconds. */
  readonly limitMs: number;
  /** Added to the environment; for what must not stand in the arguments, where every user of the machine can read it. */
  readonly env?: Environment;
  /** Told each line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
  /** Gives the command up. Without it the command is seen to its end, so that nothing is half made. */
  readonly signal?: AbortSignal;
}

/** What a command wrote, trimmed. */
export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that failed: what it wrote to stderr is the message. */
export class ToolFailure extends Error {
  override readonly name = "ToolFailure";
}

/**
 * Runs a program of the machine to its end.
 * @param words the program and its arguments
 * @throws ToolFailure when it fails or takes too long, Interrupted when its signal fires, DebyError CANNOT_RUN
 * where there is no such program.
 */
export async function runTool(words: readonly string[], options: ToolOptions): Promise<ToolOutput> {
  const { limitMs, signal, onLine } = options;
  if (signal?.aborted) throw new Interrupted();
  const child = spawnTool(words, options);
  const what = words.slice(0, 2).join(" ");
  const end = { isLate: false };
  const kill = (): void => killGroup(child);
  const timer = systemClock.after(limitMs, () => {
    end.isLate = true;
    kill();
  });
  signal?.addEventListener("abort", kill);
  try {
    const [stdout, stderr] = await Promise.all([readText(child.stdout, onLine), child.stderr.text()]);
    const exitCode = await child.exited;
    if (signal?.aborted) throw new Interrupted();
    if (end.isLate) throw new ToolFailure(`${what} did not end within ${limitMs} ms`);
    if (exitCode !== 0) throw new ToolFailure(stderr.trim() || `${what} ended with ${exitCode}`);
    return { stdout: stdout.trim(), stderr: stderr.trim() };
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", kill);
  }
}

async function readText(stream: ReadableStream<Uint8Array>, onLine?: (line: string) => void): Promise<string> {
  if (onLine === undefined) return await new Response(stream).text();
  const decoder = new TextDecoder();
  let text = "";
  let told = 0;
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n", told); end >= 0; end = text.indexOf("\n", told)) {
      onLine(text.slice(told, end).trimEnd());
      told = end + 1;
    }
  }
  return text;
}

/** With whatever it started, since a tool may be a script around the real one. */
function killGroup(child: Subprocess): void {
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended in this very moment.
  }
}

function mergeEnvironment(own: Environment): Record<string, string> {
  const pairs = Object.entries({ ...process.env, ...own });
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => typeof pair[1] === "string"));
}

/** In a session of its own, so that a Ctrl-C at the terminal reaches only deby, which knows what has to be undone. */
function spawnTool(words: readonly string[], { env = {} }: ToolOptions) {
  try {
    return Bun.spawn([...words], {
      env: mergeEnvironment(env),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
  } catch (error) {
    const [name] = words;
    throw new DebyError("CANNOT_RUN", `Cannot find the ${name} command: install it, or put ${name} on the PATH`, {
      cause: error,
    });
  }
}
