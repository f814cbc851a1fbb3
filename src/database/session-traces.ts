/**
 * Command tags after which a session is another one than before: a setting, a subscription, a cursor, a library, or
 * statements gone that the driver takes for prepared.
 */
const LEAVES_TRACES = new Set([
  ...["SET", "RESET", "LISTEN", "PREPARE", "DECLARE CURSOR", "LOAD"],
  ...["DISCARD ALL", "DEALLOCATE", "DEALLOCATE ALL"],
]);

/** These are over with their transaction. */
const IS_LOCAL = /^\s*set\s+(?:local|transaction|constraints)\b/i;

/**
 * Whether nobody else may have the session after this statement. Not seen are `set_config(…, false)`, temporary tables
 * and advisory locks of the session: their statements look like any other.
 */
export function leavesTraces(command: string, text: string): boolean {
  return LEAVES_TRACES.has(command) && !IS_LOCAL.test(text);
}
