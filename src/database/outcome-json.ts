import { DebyError } from "../errors.ts";

/** Largest stored result, in bytes of its JSON. */
const MAX_RESULT_BYTES = 1024 * 1024;

/** A value as it is after it was stored as JSON: what the first caller and a replay both get. */
export type Stored<T> = T extends Date | bigint
  ? string
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends void
      ? undefined
      : T extends { toJSON(): infer J }
        ? Stored<J>
        : T extends readonly unknown[]
          ? { -readonly [I in keyof T]: Stored<T[I]> }
          : T extends object
            ? { [K in keyof T]: Stored<T[K]> }
            : unknown extends T
              ? T
              : never;

/**
 * The JSON of a result; undefined where there was none. Dates become ISO 8601, a bigint its digits.
 * Throws STATEMENT_FAILED for what is no JSON, and for what is larger than 1 MB.
 */
export function encodeResult(value: unknown): string | undefined {
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
  } catch (cause) {
    throw new DebyError("STATEMENT_FAILED", "The result of once() cannot be stored as JSON", { cause });
  }
  if (text === undefined && value !== undefined) {
    throw new DebyError("STATEMENT_FAILED", `The result of once() cannot be stored as JSON: it is a ${typeof value}`);
  }
  if (text !== undefined && Buffer.byteLength(text) > MAX_RESULT_BYTES) {
    throw new DebyError("STATEMENT_FAILED", "The result of once() is larger than 1 MB; return what names it instead");
  }
  return text;
}

/** The value that both the first caller and a replay get. */
export function decodeResult<T>(text: string | null | undefined): Stored<T> {
  return (text == null ? undefined : JSON.parse(text)) as Stored<T>;
}
