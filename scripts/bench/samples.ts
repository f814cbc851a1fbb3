import { median } from "./median.ts";

/** What was measured: for each contender and cell one number a round, in the order of the rounds. */
export class Samples {
  readonly #values = new Map<string, number[]>();

  add(contender: string, cell: string, value: number): void {
    const key = keyOf(contender, cell);
    const values = this.#values.get(key) ?? [];
    this.#values.set(key, values);
    values.push(value);
  }

  /** Undefined where nothing was measured. */
  median(contender: string, cell: string): number | undefined {
    return median(this.#of(contender, cell));
  }

  /**
   * How many times the other's number the contender reached, for each round. Their median is better than the ratio of
   * the medians, since what both had to suffer in a round cancels out. None where either was not measured.
   */
  ratios(contender: string, other: string, cell: string): readonly number[] {
    const others = this.#of(other, cell);
    return this.#of(contender, cell).flatMap((value, round) => {
      const otherValue = others[round];
      return otherValue ? [value / otherValue] : [];
    });
  }

  /** The same over all cells in which both were measured in each round: of each round the geometric mean. */
  meanRatios(contender: string, other: string, cells: readonly string[]): readonly number[] {
    const all = cells.map((cell) => this.ratios(contender, other, cell));
    const rounds = Math.max(0, ...all.map((ratios) => ratios.length));
    const ofCells = all.filter((ratios) => ratios.length === rounds);
    return Array.from({ length: rounds }, (_, round) => {
      const logarithms = ofCells.map((ratios) => Math.log(ratios[round] ?? Number.NaN));
      return Math.exp(logarithms.reduce((sum, logarithm) => sum + logarithm, 0) / logarithms.length);
    });
  }

  #of(contender: string, cell: string): readonly number[] {
    return this.#values.get(keyOf(contender, cell)) ?? [];
  }
}

function keyOf(contender: string, cell: string): string {
  return JSON.stringify([contender, cell]);
}
