import type { ArgsDef } from "citty";
import type { CommandIo } from "./io.ts";

/** The flags and positionals that were given, by name without the dashes. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandInput {
  readonly flags: Flags;
  readonly io: CommandIo;
}

/** What a command's file exports; its name and summary stand in the list of commands in cli.ts. */
export interface Command {
  /** citty's notation; `string`, `enum` and `boolean` are flags, `positional` is not. */
  readonly args: ArgsDef;
  /** Flags that may be given several times; their values come as one, with commas. */
  readonly repeatable?: readonly string[];
  /** Whole command lines for the help, the most useful first. */
  readonly examples: readonly string[];
  /** Returns the exit code. A DebyError that it throws ends deby with that error's exit code. */
  run(input: CommandInput): Promise<number>;
}
