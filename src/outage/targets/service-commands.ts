import { DebyError } from "../../errors.ts";
import type { Words } from "../journal.ts";

/** What controls a service of this machine, as words; undefined where the manager has no such command. */
export interface ServiceCommands {
  readonly stop: Words;
  readonly start: Words;
  readonly kill: Words | undefined;
  readonly freeze: Words | undefined;
  readonly thaw: Words | undefined;
  /** Succeeds whatever the state is, and prints it. */
  readonly state: Words;
  /** What that prints while the service runs. */
  readonly runs: RegExp;
}

/** A unit's, formula's or service's name, which stands in command lines. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9@._:-]*$/;

/** Prints the path of a unit's control group, nothing where it has no process. Source: org.freedesktop.systemd1(5). */
export function controlGroup(name: string): Words {
  return ["systemctl", "show", "--property=ControlGroup", "--value", name];
}

/**
 * The properties that name the units which are stopped with one: what requires it, is bound to it or part of it.
 * Source: org.freedesktop.systemd1(5); systemd's UNIT_ATOM_PROPAGATE_STOP.
 */
export const STOPPED_WITH = ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"] as const;

/** Prints each unit's name, state and dependants; of a unit that is not there, too. */
export function unitProperties(names: readonly string[]): Words {
  // A unit's name may begin with a hyphen, as that of the root's slice does.
  return ["systemctl", "show", `--property=${["Id", "ActiveState", ...STOPPED_WITH].join(",")}`, "--", ...names];
}

/** @throws DebyError USAGE if it is no name */
export function serviceCommands(platform: NodeJS.Platform, name: string): ServiceCommands {
  if (!NAME.test(name)) throw new DebyError("USAGE", `--service must be a service's name, received "${name}"`);
  switch (platform) {
    case "darwin":
      return {
        stop: ["brew", "services", "stop", name],
        start: ["brew", "services", "start", name],
        kill: ["brew", "services", "kill", name],
        freeze: undefined,
        thaw: undefined,
        state: ["brew", "services", "info", name, "--json"],
        runs: /"running":\s*true/,
      };
    case "win32":
      return {
        // net waits until it is done, sc does not. Without /y it refuses to stop what others depend on.
        stop: ["net", "stop", name],
        start: ["net", "start", name],
        kill: ["taskkill", "/F", "/FI", `SERVICES eq ${name}`],
        freeze: undefined,
        thaw: undefined,
        state: ["sc", "query", name],
        runs: /STATE\s*:\s*4\b/,
      };
    default:
      return {
        stop: ["systemctl", "stop", name],
        start: ["systemctl", "start", name],
        kill: ["systemctl", "kill", "--signal=SIGKILL", name],
        freeze: ["systemctl", "kill", "--signal=SIGSTOP", name],
        thaw: ["systemctl", "kill", "--signal=SIGCONT", name],
        state: ["systemctl", "show", "--property=ActiveState", name],
        runs: /^ActiveState=(active|reloading)$/m,
      };
  }
}
