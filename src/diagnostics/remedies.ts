import type { HostPort } from "../config/types.ts";
import { addressLabel } from "../database/dial.ts";
import { firstHost, type Subject } from "./check.ts";
import {
  hangsUp,
  mute,
  nameNotFound,
  noSocketAccess,
  noTls,
  notListening,
  somethingElse,
  unreachable,
} from "./remedies/network.ts";
import { misconfiguredPooler, noServerBehindPooler, unanswered } from "./remedies/pooler.ts";
import {
  noDatabase,
  noPrivilege,
  notAuthorized,
  notReady,
  refused,
  tooManyConnections,
  wrongPassword,
} from "./remedies/refusals.ts";
import type { Remedy, Trouble } from "./remedies/trouble.ts";

/** The cause of a trouble in words, what to type, and where to read on: the one table from code to remedy. */
export function remedyFor(trouble: Trouble, subject: Subject, at: HostPort = firstHost(subject.target)): Remedy {
  const situation = { trouble, subject, at, label: addressLabel(at) };
  switch (trouble.code) {
    case "ECONNREFUSED":
    case "ENOENT":
      return notListening(situation);
    case "EACCES":
      return noSocketAccess(situation);
    case "ETIMEDOUT":
      return trouble.step === "protocol" ? mute(situation) : unreachable(situation);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return unreachable(situation);
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return nameNotFound(situation);
    case "ECONNRESET":
    case "EPIPE":
    case "CONNECTION_CLOSED":
      return hangsUp(situation);
    case "PROTOCOL":
      return somethingElse(situation);
    case "TLS_REFUSED":
    case "TLS_FAILED":
      return noTls(situation);
    case "28P01":
      return wrongPassword(situation);
    case "28000":
      return notAuthorized(situation);
    case "53300":
      return tooManyConnections(situation);
    case "57P03":
      return notReady(situation);
    case "3D000":
      return noDatabase(situation);
    case "42501":
      return noPrivilege(situation);
    case "POOLER_NO_SERVER":
      return noServerBehindPooler(situation);
    case "UNANSWERED":
      return unanswered(situation);
    case "POOLER_MISCONFIGURED":
      return misconfiguredPooler(situation);
    default:
      return refused(situation);
  }
}
