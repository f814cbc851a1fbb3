import type { CommandIo } from "../../../src/commands/io.ts";
import { readerOf } from "../config/load-with.ts";

export interface FakeIo extends CommandIo {
  readonly out: () => string;
  readonly err: () => string;
  /** Codes that exit() was called with. */
  readonly exits: readonly number[];
  /** Delivers a signal; false when nobody listens. */
  send(name: NodeJS.Signals): boolean;
  /** Delivers an error that nobody caught; false when nobody listens. */
  stray(error: unknown): boolean;
}

export interface FakeIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly isTTY?: boolean;
  readonly columns?: number;
  /** What is typed when something is asked; default: nobody sits there. */
  readonly typed?: string;
}

/** A process that a command can run in, whose output is kept. */
export function fakeIo({ env = {}, files = {}, isTTY = false, columns = 100, typed }: FakeIoOptions = {}): FakeIo {
  const [out, err, exits]: [string[], string[], number[]] = [[], [], []];
  let onSignal: ((name: NodeJS.Signals) => void) | undefined;
  let onStray: ((error: unknown) => void) | undefined;
  return {
    stdout: { isTTY, columns, write: (text) => out.push(text) },
    stderr: { isTTY, columns, write: (text) => err.push(text) },
    env,
    platform: "linux",
    readFile: readerOf(files),
    ask(question) {
      if (typed !== undefined) err.push(question);
      return Promise.resolve(typed);
    },
    exit: (code) => void exits.push(code),
    onSignals(_names, listener) {
      onSignal = listener;
      return () => {
        onSignal = undefined;
      };
    },
    onStrayError(listener) {
      onStray = listener;
    },
    out: () => out.join(""),
    err: () => err.join(""),
    exits,
    send(name) {
      onSignal?.(name);
      return onSignal !== undefined;
    },
    stray(error) {
      onStray?.(error);
      return onStray !== undefined;
    },
  };
}
