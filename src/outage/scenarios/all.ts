import { closest } from "../../config/did-you-mean.ts";
import { DebyError } from "../../errors.ts";
import { ImpossibleScenario } from "../impossible-scenario.ts";
import type { Scenario } from "../scenario.ts";
import type { Power } from "../target.ts";
import { exhaust } from "./exhaust.ts";
import { fin } from "./fin.ts";
import { flap } from "./flap.ts";
import { kill } from "./kill.ts";
import { latency } from "./latency.ts";
import { netcut } from "./netcut.ts";
import { pause } from "./pause.ts";
import { readOnly } from "./read-only.ts";
import { refuse } from "./refuse.ts";
import { reset } from "./reset.ts";
import { restart } from "./restart.ts";
import { startDown } from "./start-down.ts";
import { stop } from "./stop.ts";
import { terminateBackends } from "./terminate-backends.ts";
import { wrongPassword } from "./wrong-password.ts";

/** Every scenario, in the order in which `list` shows them and `all` runs them. */
export const SCENARIOS: readonly Scenario[] = [
  stop,
  kill,
  pause,
  netcut,
  reset,
  refuse,
  fin,
  latency,
  flap,
  restart,
  terminateBackends,
  exhaust,
  readOnly,
  wrongPassword,
  startDown,
];

/** @throws DebyError USAGE if there is none of this name */
export function findScenario(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  const names = SCENARIOS.map((scenario) => scenario.name);
  const meant = closest(name, names);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw new DebyError("USAGE", `No such scenario: "${name}"${hint} --scenario list shows what there is`);
}

/** Whether a target of these powers can do the scenario. */
function isPossible({ needs }: Scenario, powers: readonly Power[]): boolean {
  return needs.some((power) => powers.includes(power));
}

/** @throws ImpossibleScenario with the scenarios that the target can do */
export function requirePossible(scenario: Scenario, target: string, powers: readonly Power[]): void {
  if (isPossible(scenario, powers)) return;
  const others = SCENARIOS.filter((other) => isPossible(other, powers)).map(({ name }) => name);
  throw new ImpossibleScenario(
    `The target ${target} cannot do the scenario ${scenario.name}. It can do: ${others.join(", ")}`,
  );
}
