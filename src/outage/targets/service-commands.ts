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
        // net waits until it is done, sc does not.
        stop: ["net", "stop", name, "/y"],
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
