import { parseArgs } from "node:util";
import { DURATION_EXAMPLES, formatDuration, parseDuration } from "../../src/config/duration.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** How long one contender is measured in one cell of one round, its warm-up not included. */
  readonly sliceMs: number;
  /** Parts of contenders' names; empty for all of them. */
  readonly only: readonly string[];
}

/** Ends the process with 2 where the arguments are not understood, and with 0 where help is asked for. */
export function readOptions(command: string, defaults: Omit<BenchOptions, "only">): BenchOptions {
  const usage = `usage: bun run ${command}
         --rounds N       default ${defaults.rounds}
         --slice TIME     of each measurement, default ${formatDuration(defaults.sliceMs)}
         --only A,B       contenders whose name contains A or B`;
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: "string", default: String(defaults.rounds) },
        slice: { type: "string", default: formatDuration(defaults.sliceMs) },
        only: { type: "string", default: "" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const only = values.only.split(",").filter((part) => part !== "");
    return { rounds: readRounds(values.rounds), sliceMs: readSlice(values.slice), only };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

/**
 * Those whose name contains one of the parts, or all of them where there is no part.
 * @throws Error with all names when none is left.
 */
export function choose<T extends { readonly name: string }>(contenders: readonly T[], only: readonly string[]): T[] {
  const chosen = contenders.filter(({ name }) => only.length === 0 || only.some((part) => name.includes(part)));
  if (chosen.length > 0) return chosen;
  const names = contenders.map(({ name }) => name).join(", ");
  throw new Error(`--only: no contender's name contains "${only.join('" or "')}"; there are ${names}`);
}

function readRounds(text: string): number {
  const rounds = Number(text);
  if (Number.isSafeInteger(rounds) && rounds >= 1) return rounds;
  throw new Error(`--rounds: must be a whole number from 1 on, received "${text}"`);
}

function readSlice(text: string): number {
  const sliceMs = parseDuration(text);
  if (sliceMs !== undefined && sliceMs > 0) return sliceMs;
  throw new Error(`--slice: must be a duration such as ${DURATION_EXAMPLES}, received "${text}"`);
}
