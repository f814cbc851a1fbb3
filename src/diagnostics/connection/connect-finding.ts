import { describeReason } from "../../database/sqlstate.ts";
import type { CheckContext, Finding } from "../check.ts";
import type { ConnectFailure } from "../connect-failure.ts";
import type { HostProgress } from "../host-progress.ts";
import type { Trouble } from "../remedies/trouble.ts";
import { remedyFor } from "../remedies.ts";

/** A connection that could not be opened, told at the step that stood in the way. */
export function connectFinding(
  failure: ConnectFailure,
  { host, certificate }: HostProgress,
  { subject }: CheckContext,
  more: Pick<Trouble, "databases" | "step"> = {},
): Finding {
  const remedy = remedyFor({ ...failure, certificate, ...more }, subject, host);
  const detail = failure.detail === undefined ? "" : `: ${failure.detail}`;
  return { status: "fail", evidence: `${describeReason(failure)}${detail}`, ...remedy };
}
