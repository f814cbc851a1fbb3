import { addressLabel } from "../../database/dial.ts";
import { codeOf, describeReason, reasonOf } from "../../database/sqlstate.ts";
import { ask } from "../ask.ts";
import { type Check, type CheckContext, type Finding, firstHost } from "../check.ts";
import type { Scene, Server } from "./scene.ts";
import { type HealthRow, severityOf } from "./table.ts";
import { mayNotRead } from "./words.ts";

/** Views and columns are known from this version to 18; tests run on 15 and 18. */
const OLDEST_VERSION = 13;

export interface HealthDefinition<F> extends HealthRow {
  /** What it looks at and why. */
  readonly about: string;
  /** What a standby has only copied: it is judged, and mended, on the primary. */
  readonly isPrimarys?: boolean;
  /** Reads from the server what the verdict takes. */
  readonly look: (server: Server) => Promise<F>;
  /** Pure, so that rare states can be judged from what was once recorded. */
  readonly judge: (facts: F, scene: Scene) => Finding;
}

export type HealthCheck<F = never> = Check & HealthDefinition<F>;

/** A check of the server's state, from what it looks at and how that is judged. */
export function healthCheck<F>(definition: HealthDefinition<F>): HealthCheck<F> {
  return {
    ...definition,
    about: `${definition.about} ${severityOf(definition)}`,
    group: "health",
    needs: ["query"],
    run: (context) => examine(definition, context),
  };
}

async function examine<F>(definition: HealthDefinition<F>, context: CheckContext): Promise<Finding> {
  const { look, judge, limits, isPrimarys = false } = definition;
  const { session, subject } = context;
  const connection = await session.connection(context);
  if (connection.isLost) return { status: "skip", evidence: "not tried, since the connection was lost" };
  const { facts, tlsProtocol, remoteAddress } = connection;
  const version = Number.parseInt(facts.version, 10);
  if (version < OLDEST_VERSION) {
    return { status: "skip", evidence: `not known for PostgreSQL ${version}, only from ${OLDEST_VERSION} on` };
  }
  if (facts.isStandby && isPrimarys) {
    return { status: "skip", evidence: "a standby has what its primary has: that one is to be asked" };
  }
  const at = subject.target.hosts.find((host) => addressLabel(host) === facts.address) ?? firstHost(subject.target);
  const scene: Scene = { subject, limits, version, at };
  try {
    const { isStandby } = facts;
    const put = <R>(question: string) => ask<R>(connection, question, context);
    return judge(await look({ version, isStandby, tlsProtocol, remoteAddress, ask: put }), scene);
  } catch (error) {
    const reason = describeReason(reasonOf(error));
    if (codeOf(error) === "42501") return mayNotRead(reason, scene);
    return { status: "unknown", evidence: reason, cause: `This could not be found out: ${reason}` };
  }
}
