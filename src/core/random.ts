/** A number in [0, 1). Chance as an argument, so that tests and seeded runs repeat. */
export type Random = () => number;

export const systemRandom: Random = Math.random;

/** A repeatable sequence from a seed. Source: mulberry32, public domain. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** `value` moved by up to `part` of itself, up or down. */
export function jittered(value: number, part: number, random: Random): number {
  return value * (1 + part * (2 * random() - 1));
}
