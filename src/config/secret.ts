/**
 * A value that must never be printed. Every ordinary way of turning it into text gives the mask:
 * `***` plus the last two characters when it has eight or more, else `***`.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for the one place that sends it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return maskSecret(this.#value);
  }

  toJSON(): string {
    return maskSecret(this.#value);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return maskSecret(this.#value);
  }
}

export function maskSecret(value: string): string {
  return value.length >= 8 ? `***${value.slice(-2)}` : "***";
}
