import type { Samples } from "./samples.ts";

interface Named {
  readonly name: string;
}

export interface Round<Contender extends Named, Cell extends Named> {
  /** Which round it is; decides who begins. */
  readonly number: number;
  readonly contenders: readonly Contender[];
  readonly cells: readonly Cell[];
  /** One number of one contender. */
  readonly measure: (contender: Contender, cell: Cell) => Promise<number>;
  /** Where the numbers go. */
  readonly samples: Samples;
  /** Looked at between two measurements. */
  readonly signal: AbortSignal;
}

/**
 * Measures every contender in every cell once. The contenders of a cell follow directly upon each other, and each round
 * begins with another of them, so that what else the machine does in these seconds hits all alike.
 */
export async function runRound<Contender extends Named, Cell extends Named>(
  round: Round<Contender, Cell>,
): Promise<void> {
  for (const cell of round.cells) {
    for (const contender of rotated(round.contenders, round.number)) {
      round.signal.throwIfAborted();
      round.samples.add(contender.name, cell.name, await round.measure(contender, cell));
    }
  }
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
