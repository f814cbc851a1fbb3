import { describeReason } from "../../database/sqlstate.ts";
import type { CheckContext, Finding } from "../check.ts";
import type { ConnectFailure } from "../connect-failure.ts";
import { remedyFor } from "../remedies.ts";

/** A connection that could not be opened, told at the step that stood in the way. */
export function connectFinding(
  failure: ConnectFailure,
  { subject, session }: CheckContext,
  more: { readonly databases?: readonly string[] | undefined } = {},
): Finding {
  const remedy = remedyFor({ ...failure, ...more }, subject, session.reachable);
  return { status: "fail", evidence: describeReason(failure), ...remedy };
}
