import { readFile } from "node:fs/promises";
import { DebyError } from "../../errors.ts";
import type { DatabaseEndpoint, ReachedServer } from "../target.ts";
import { runTool } from "../tool.ts";
import { findRemoteAddress, isLocalAddress } from "./local-address.ts";
import { controlGroup } from "./service-commands.ts";

const COMMAND_LIMIT_MS = 60_000;

export interface ReachedBy {
  readonly endpoint: DatabaseEndpoint;
  readonly reached: ReachedServer;
  readonly platform: NodeJS.Platform;
}

/**
 * Why the server that was reached is not what the service runs; undefined where it is, or, without systemd, where it is
 * on this machine at least.
 * @throws DebyError USAGE where nothing tells
 */
export async function strangerTo(
  name: string,
  { endpoint: { host, port }, reached: { address, processId }, platform }: ReachedBy,
): Promise<string | undefined> {
  const remote = await findRemoteAddress(host);
  if (remote !== undefined) return `${remote} is no address of this machine`;
  // A tunnel, a pooler, or a container's published port led to it.
  if (address !== undefined && !isLocalAddress(address)) {
    return `its own address is ${address}, which is none of this machine`;
  }
  if (platform !== "linux") return undefined;

  // What the manager stops with the unit is its control group: the server has to be in it.
  const { stdout: group } = await runTool(controlGroup(name), { limitMs: COMMAND_LIMIT_MS });
  if (group === "") {
    throw refusal(
      name,
      "it has no process of its own. It is not there, does not run, or only stands for others: " +
        "name the unit of the server itself, such as postgresql@17-main",
    );
  }
  const groups = processId === undefined ? undefined : await groupsOf(processId);
  if (groups === undefined) {
    const unseen = processId === undefined ? "it tells of no process" : `its process ${processId} may not be seen`;
    throw refusal(
      name,
      `nothing tells whether it runs the server on ${host}:${port} (${unseen}). Put its own server there, run deby ` +
        "where that one's processes may be seen, or cut only your own traffic: --target proxy",
    );
  }
  if (groups.some((path) => `${path}/`.includes(`${group}/`))) return undefined;
  return `it is process ${processId}, which ${name} does not run`;
}

/** Undefined if the process may not be seen, or has the number of another in a namespace of its own. */
async function groupsOf(pid: number): Promise<readonly string[] | undefined> {
  try {
    const name = await readFile(`/proc/${pid}/comm`, "utf8");
    if (!/post(gres|master)/.test(name)) return undefined;
    // `number:controllers:path`
    const lines = (await readFile(`/proc/${pid}/cgroup`, "utf8")).trim().split("\n");
    return lines.map((line) => line.split(":").slice(2).join(":"));
  } catch {
    return undefined;
  }
}

function refusal(name: string, why: string): DebyError {
  return new DebyError("USAGE", `Refused, and the service ${name} was not touched: ${why}`);
}
