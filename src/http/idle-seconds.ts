const MAX_SECONDS = 255;

/** A request may be held up to its deadline while nothing moves on its connection. Bun counts to 255; 0 is never. */
export function idleSeconds(requestTimeoutMs: number): number {
  const seconds = Math.ceil(requestTimeoutMs / 1000) + 10;
  return seconds > MAX_SECONDS ? 0 : seconds;
}

/** Whether connections that are given up after so many idle seconds, or never (0), last as long as such requests. */
export function outlastsRequests(seconds: number, requestTimeoutMs: number): boolean {
  const needed = idleSeconds(requestTimeoutMs);
  return seconds === 0 || (needed !== 0 && seconds >= needed);
}
