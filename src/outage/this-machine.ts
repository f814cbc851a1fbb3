import { readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** Source: the kernel's include/linux/proc_ns.h, PROC_PID_INIT_INO. */
const INITIAL_PID_NAMESPACE = "pid:[4026531836]";

/** A machine, or a container of one, in which a process number is one process; folders may be shared with others. */
export function thisMachine(): string {
  const namespace = process.platform === "linux" ? pidNamespace() : undefined;
  // What follows the first dot changes with the network on some machines.
  const [name = ""] = hostname().split(".");
  return [name, ...(namespace === undefined ? [] : [namespace])].join(" ");
}

/** Undefined in the first one, whose number is the same on every machine. */
function pidNamespace(): string | undefined {
  try {
    const name = readlinkSync("/proc/self/ns/pid");
    return name === INITIAL_PID_NAMESPACE ? undefined : name;
  } catch {
    return undefined;
  }
}
