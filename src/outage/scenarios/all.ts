import { closest } from "../../config/did-you-mean.ts";
import { DebyError } from "../../errors.ts";
import type { Scenario } from "../scenario.ts";
import { kill } from "./kill.ts";
import { pause } from "./pause.ts";
import { restart } from "./restart.ts";
import { stop } from "./stop.ts";

/** Every scenario, in the order in which `list` shows them. */
export const SCENARIOS: readonly Scenario[] = [stop, kill, pause, restart];

/** @throws DebyError USAGE if there is none of this name */
export function findScenario(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = SCENARIOS.map((scenario) => scenario.name);
  const meant = closest(name, names);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw new DebyError("USAGE", `No such scenario: "${name}"${hint} --scenario list shows what there is`);
}
