import type { TargetSessionAttrs } from "../config/types.ts";
import type { ServerFacts } from "./events.ts";

type Role = Pick<ServerFacts, "isStandby" | "isReadOnly">;

/** Whether a server of this role is the kind that is asked for. Source: libpq, target_session_attrs. */
export function hasRole({ isStandby, isReadOnly }: Role, wanted: TargetSessionAttrs): boolean {
  switch (wanted) {
    case "any":
    case "prefer-standby":
      return true;
    case "read-write":
      return !isReadOnly;
    case "read-only":
      return isReadOnly;
    case "primary":
      return !isStandby;
    case "standby":
      return isStandby;
    default:
      return wanted satisfies never;
  }
}

/** Whether there should be one server of this role, and only one: the one that takes writes. */
export function isUnique(wanted: TargetSessionAttrs): boolean {
  return wanted === "read-write" || wanted === "primary";
}

/**
 * How well a server of this role serves:
 * - `wanted`: it is what is asked for
 * - `makeshift`: it serves everything, where there is no wanted one
 * - `reads-only`: it serves reads meanwhile
 * - `unfit`: not at all
 */
export type Fitness = "wanted" | "makeshift" | "reads-only" | "unfit";

/** What a server of this role is good for. */
export function fitnessOf(role: Role, wanted: TargetSessionAttrs): Fitness {
  if (!hasRole(role, wanted)) return isUnique(wanted) ? "reads-only" : "unfit";
  return wanted === "prefer-standby" && !role.isStandby ? "makeshift" : "wanted";
}
