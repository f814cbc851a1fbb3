import type { DatabaseTarget } from "../../config/types.ts";
import type { Clock } from "../../core/clock.ts";
import { DebyError } from "../../errors.ts";
import { type Presence, readPresence } from "../foreign-sessions.ts";
import type { Interruption } from "../interruption.ts";
import type { Undo } from "../journal.ts";
import type { OnStep } from "../progress.ts";
import type { ResourceStack } from "../resource-stack.ts";
import type { Target } from "../target.ts";
import type { TargetKind } from "./choose.ts";
import { findComposeContainer } from "./compose.ts";
import { containerTarget, containerUndo, inspectContainer, requireLasting } from "./container.ts";
import { dockerUndo, startDockerTarget } from "./docker.ts";
import { requireEngine } from "./docker-image.ts";
import { embeddedUndo, startEmbeddedTarget } from "./embedded.ts";
import { requireAlone, requirePermission } from "./permission.ts";
import { startProxyTarget } from "./proxy.ts";
import { requireControl, serviceTarget, serviceUndo } from "./service.ts";

/** What a run is told about its target. */
export interface TargetPlan {
  /** Of a throw-away container. */
  readonly image: string;
  /** The container that is there already. */
  readonly container: string | undefined;
  /** Of a compose project, or of this machine. */
  readonly service: string | undefined;
  readonly proxyPort: number | undefined;
  /** The name of what is not ours, typed by somebody who knows what he does. */
  readonly confirm: string | undefined;
  /** The application names of the running server that is judged; undefined where there is none. */
  readonly serverApplications: readonly string[] | undefined;
  /** What is not ours and no container is found by it. */
  readonly database: DatabaseTarget;
}

export interface StageDeps {
  readonly runId: string;
  readonly clock: Clock;
  readonly resources: ResourceStack;
  readonly interruption: Interruption;
  readonly onStep: OnStep;
  /** The words that start deby; default: this very program. */
  readonly command?: readonly string[];
}

/** A target that may be harmed, not made yet where it is ours: the note about how to undo it comes first. */
export interface Stage {
  readonly undo: Undo;
  open(): Promise<Target>;
}

const NOTHING_TO_UNDO: Undo = { heal: [], remove: [], folders: [], processes: [] };

/** @throws DebyError USAGE if it may not be harmed, or is not there; CANNOT_RUN without an engine */
export async function setStage(kind: TargetKind, plan: TargetPlan, deps: StageDeps): Promise<Stage> {
  switch (kind) {
    case "docker":
      return { undo: dockerUndo(deps.runId), open: () => startDockerTarget({ ...deps, image: plan.image }) };
    case "embedded":
      return { undo: embeddedUndo(deps.runId), open: () => startEmbeddedTarget(deps) };
    case "proxy":
      return {
        undo: NOTHING_TO_UNDO,
        open: () => startProxyTarget({ database: plan.database, port: plan.proxyPort, resources: deps.resources }),
      };
    case "container":
      return await takeContainer(plan.container ?? "", "docker", plan, deps);
    case "compose": {
      await requireEngine(deps.interruption.signal);
      const name = plan.container ?? (await findComposeContainer(process.cwd(), plan.service));
      return await takeContainer(name, "compose", plan, deps);
    }
    case "service":
      return await takeService(plan);
    default:
      return kind satisfies never;
  }
}

async function takeContainer(
  wanted: string,
  kind: "docker" | "compose",
  plan: TargetPlan,
  { interruption }: StageDeps,
): Promise<Stage> {
  await requireEngine(interruption.signal);
  const facts = await inspectContainer(wanted);
  const { name, labels } = facts;
  const what = `the container ${name}`;
  requirePermission({ name, what, labels }, plan.confirm);
  requireLasting(facts);
  const target = containerTarget(facts, kind);
  await requireUnused(target, what, plan);
  return { undo: containerUndo(name), open: async () => target };
}

async function takeService(plan: TargetPlan): Promise<Stage> {
  const { service: name, confirm, database } = plan;
  if (name === undefined) throw new DebyError("USAGE", "--target service needs the service's name: --service NAME");
  const what = `the service ${name}`;
  const target = serviceTarget(name, database, process.platform);
  requirePermission({ name, what, labels: {} }, confirm);
  await requireUnused(target, what, plan);
  await requireControl(name, process.platform);
  return { undo: serviceUndo(name, process.platform), open: async () => target };
}

/** That nobody else is connected to what is about to be harmed, and that it is what was asked about it. */
async function requireUnused(target: Target, what: string, { serverApplications }: TargetPlan): Promise<void> {
  const { host, port } = target.endpoint;
  let presence: Presence;
  let stranger: string | undefined;
  try {
    presence = await readPresence(target.endpoint);
    stranger = await target.strangerAt?.(presence.reached);
  } catch (error) {
    if (error instanceof DebyError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const whether = `Cannot find out whether others are connected to ${what}`;
    throw new DebyError("CANNOT_RUN", `${whether}, which was not touched: ${message}`, { cause: error });
  }
  if (stranger !== undefined) {
    const why = `another server than its own answers on ${host}:${port} (${stranger})`;
    const wayOut = "Name the one that runs it, or cut only your own traffic: --target proxy";
    throw new DebyError("USAGE", `Refused, and ${what} was not touched: ${why}. ${wayOut}`);
  }
  requireAlone(presence.others, { what, serverApplications });
}
