import { onEverySystem } from "../shell.ts";
import { asSuperuser, makeRemedy, type Remedy, type Situation } from "./trouble.ts";

/** There is a server, but of another role than is asked for. */
export function wrongServer(situation: Situation): Remedy {
  const { target, os } = situation.subject;
  const found = situation.trouble.detail ?? "reachable";
  const whom = target.hosts.length > 1 ? "No host has" : "The server has not";
  const cause = `${whom} the role that target-session-attrs=${target.targetSessionAttrs} asks for. It is ${found}; another host has the role now, or the setting is not meant for this server`;
  const fix = onEverySystem(os, () => "deby check --target-session-attrs any");
  return makeRemedy(cause, fix, "libpq-connect.html");
}

/** `detail` names the other one. */
export function twoPrimaries(situation: Situation): Remedy {
  const { label, trouble } = situation;
  const cause = `Two servers take writes: ${label} and ${trouble.detail ?? "another"}. Only one of them should; stop the one that was promoted earlier, whose timeline is lower, before what was written to both differs any further`;
  const timeline = asSuperuser(situation, "SELECT timeline_id FROM pg_control_checkpoint()");
  return makeRemedy(cause, timeline, "warm-standby-failover.html");
}

/** `detail` names the version and since when. */
export function endOfLife(situation: Situation): Remedy {
  const cause = `PostgreSQL ${situation.trouble.detail ?? "of this version"}, not even for security. It is past its end of life: plan an upgrade to a version that is supported`;
  return { cause, fix: [], docs: "https://www.postgresql.org/support/versioning/" };
}
