import { DebyError } from "../errors.ts";

/** Collects what is wrong and what is doubtful, so that a user sees all of it at once. */
export class Findings {
  readonly #problems: string[] = [];
  readonly #warnings = new Set<string>();

  /** Something that must be put right before anything can run. */
  refuse(problem: string): void {
    this.#problems.push(problem);
  }

  /** Something that works, but perhaps not as was meant; the same words are kept once. */
  warn(warning: string): void {
    this.#warnings.add(warning);
  }

  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  /** Throws CONFIG_INVALID with every problem, one a line. */
  throwIfRefused(): void {
    const [first, ...others] = this.#problems;
    if (first === undefined) return;
    if (others.length === 0) throw new DebyError("CONFIG_INVALID", first);
    const lines = this.#problems.map((problem) => `  - ${problem}`);
    throw new DebyError("CONFIG_INVALID", `${lines.length} settings are not valid:\n${lines.join("\n")}`);
  }
}
