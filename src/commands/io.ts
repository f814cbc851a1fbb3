import type { ReadFile } from "../config/read-file.ts";

interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** All that a command has of the process it runs in; main.ts hands over the real one. */
export interface CommandIo {
  /** For data only. */
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  /** Relative paths are taken from the working directory. */
  readonly readFile: ReadFile;
  /** Asks at the terminal and resolves with the line that is typed, empty at its end; undefined without a terminal. */
  ask(question: string): Promise<string | undefined>;
  /** Ends the process at once. */
  exit(code: number): void;
  /** Listens to signals instead of dying of them; returns the function that stops it. */
  onSignals(names: readonly NodeJS.Signals[], listener: (name: NodeJS.Signals) => void): () => void;
  /** Takes over errors that nobody caught, which otherwise end the process with 1. */
  onStrayError(listener: (error: unknown) => void): void;
}
