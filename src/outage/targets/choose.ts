import { DebyError } from "../../errors.ts";
import type { OnStep } from "../progress.ts";
import type { Power } from "../target.ts";
import { requireEngine, requireImage } from "./docker-image.ts";

/** What a run may be told to break. */
export const TARGET_NAMES = ["auto", "docker", "compose", "embedded", "proxy", "service"] as const;

export type TargetName = (typeof TARGET_NAMES)[number];

/** `docker` is a throw-away container, `container` one that was there before. */
export type TargetKind = Exclude<TargetName, "auto"> | "container";

/** What a run may do to a target of this kind. */
export function powersOf(
  kind: TargetKind,
  { hasServer, platform }: { readonly hasServer: boolean; readonly platform: NodeJS.Platform },
): readonly Power[] {
  const powers = allPowersOf(kind, platform);
  // A server that runs already is not behind our proxy, unless it was pointed at it.
  return hasServer && kind !== "proxy" ? powers.filter((power) => power !== "traffic" && power !== "delay") : powers;
}

function allPowersOf(kind: TargetKind, platform: NodeJS.Platform): readonly Power[] {
  switch (kind) {
    case "docker":
      return ["stop", "kill", "freeze", "demote", "sql", "traffic", "delay", "sessions"];
    case "embedded":
      return platform === "win32"
        ? ["stop", "kill", "traffic", "sessions"]
        : ["stop", "kill", "freeze", "traffic", "sessions"];
    case "container":
    case "compose":
      return ["stop", "kill", "freeze", "sql", "traffic", "delay", "sessions"];
    case "proxy":
      return ["traffic", "delay"];
    case "service":
      return ["stop", "kill", ...(platform === "linux" ? ["freeze" as const] : []), "traffic", "delay", "sessions"];
    default:
      return kind satisfies never;
  }
}

export interface ChoiceOptions {
  readonly image: string;
  /** One that is there already. */
  readonly container: string | undefined;
  readonly signal: AbortSignal;
  readonly onStep: OnStep;
}

/** An image that takes longer to fetch is not waited for when there is another way. */
const PULL_LIMIT_MS = 120_000;

/**
 * Which target it is to be: Docker where an engine answers and has the image, or can get it, else the embedded
 * database; which and why is told. Only `auto` leaves a choice: Docker by name never turns into something else.
 * @throws Interrupted
 */
export async function chooseTarget(
  wanted: TargetName,
  { image, container, signal, onStep }: ChoiceOptions,
): Promise<TargetKind> {
  if (container !== undefined && wanted !== "compose") return "container";
  if (wanted !== "auto") return wanted;
  try {
    await requireEngine(signal);
    await requireImage(image, { signal, onStep, limitMs: PULL_LIMIT_MS });
  } catch (error) {
    if (!(error instanceof DebyError)) throw error;
    const [why] = error.message.split("\n");
    onStep(`target embedded, since Docker is no choice here: ${why}`);
    return "embedded";
  }
  onStep(`target docker, since an engine answers and has ${image}`);
  return "docker";
}
