import { DebyError } from "../../errors.ts";
import { runTool } from "../tool.ts";
import { STOPPED_WITH, unitProperties } from "./service-commands.ts";

const COMMAND_LIMIT_MS = 60_000;
const AT_REST = ["inactive", "failed"];

/**
 * Stopping a unit stops those that depend on it, and starting it starts none of them again.
 * @throws DebyError USAGE with the units that run
 */
export async function requireNoDependants(name: string): Promise<void> {
  const found = await findDependants(name);
  if (found.length === 0) return;
  throw new DebyError(
    "USAGE",
    `Refused, and the service ${name} was not touched: what depends on it would be stopped with it and not be started ` +
      `again: ${found.join(", ")}. Stop that first and start it after the run, or cut only your own traffic: --target proxy`,
  );
}

/** Also those of dependants that do not run: a stop goes through them. */
async function findDependants(name: string): Promise<string[]> {
  const seen = new Set<string>();
  const running: string[] = [];
  for (let names = [name], isFirst = true; names.length > 0; isFirst = false) {
    const { stdout } = await runTool(unitProperties(names), { limitMs: COMMAND_LIMIT_MS });
    const units = parseUnits(stdout);
    for (const asked of names) seen.add(asked);
    for (const { id, state } of units) {
      seen.add(id);
      if (!isFirst && !AT_REST.includes(state)) running.push(id);
    }
    names = [...new Set(units.flatMap(({ dependants }) => dependants))].filter((dependant) => !seen.has(dependant));
  }
  return running;
}

interface Unit {
  readonly id: string;
  readonly state: string;
  readonly dependants: readonly string[];
}

/** A unit's properties stand line by line, units are parted by an empty one. What an older systemd lacks is not there. */
export function parseUnits(shown: string): Unit[] {
  return shown.split(/\n\s*\n/).map((block) => {
    const properties = new Map(block.split("\n").map((line) => line.split("=", 2) as [string, string | undefined]));
    const dependants = STOPPED_WITH.flatMap((property) => properties.get(property)?.split(" ") ?? []);
    return {
      id: properties.get("Id") ?? "",
      state: properties.get("ActiveState") ?? "",
      dependants: dependants.filter(Boolean),
    };
  });
}
