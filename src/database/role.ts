import type { TargetSessionAttrs } from "../config/types.ts";
import type { ServerFacts } from "./events.ts";

/** Whether a server of this role is the kind that is asked for. Source: libpq, target_session_attrs. */
export function hasRole({ isStandby, isReadOnly }: ServerFacts, wanted: TargetSessionAttrs): boolean {
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
