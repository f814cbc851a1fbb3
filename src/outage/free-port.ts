import { systemRandom } from "../core/random.ts";
import { choosePort } from "../embedded/choose-port.ts";

/**
 * A TCP port of 127.0.0.1 that was free a moment ago, and that no outgoing connection is given: one that dials a closed
 * port of those in a loop may one day connect to itself, and then nobody else can have it. Somebody else may take it
 * nevertheless: whoever binds it must be able to fail.
 */
export function findFreePort(): Promise<number> {
  return choosePort("127.0.0.1", systemRandom);
}
