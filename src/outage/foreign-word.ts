const LONGEST = 40;

/** A word of the server under test as reports may show it: short, on one line, without a terminal's control codes. */
export function foreignWord(text: string): string {
  return text.slice(0, LONGEST).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, "·");
}
