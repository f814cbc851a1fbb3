import type { SettingSource } from "../config/database-target.ts";
import type { DatabaseTarget, HostPort } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import type { Session } from "./session.ts";

/** `unknown` is for what could not be found out; it is never a pass. */
export type CheckStatus = "pass" | "warn" | "fail" | "skip" | "unknown";

/** Where a command is typed; `any` means all of them. */
export type OperatingSystem = "linux" | "macos" | "windows";

export interface Fix {
  readonly os: OperatingSystem | "any";
  readonly command: string;
}

/** What a check found out; `skip` where it may not look, and then its fix says what to grant. */
export interface Finding {
  readonly status: CheckStatus;
  /** What was seen, one fact a line. */
  readonly evidence: string;
  /** Why it is so; its first sentence stands alone. */
  readonly cause?: string;
  /** Commands that put it right, those of the current system first. */
  readonly fix?: readonly Fix[];
  /** Where to read on. */
  readonly docs?: string;
  /** It failed, but what depends on it can be looked at all the same. */
  readonly isPassable?: boolean;
}

/** A finding as it is reported: what every consumer of the report may rely on. */
export interface CheckResult {
  readonly id: string;
  readonly title: string;
  readonly status: CheckStatus;
  readonly evidence: string;
  readonly cause: string | null;
  readonly fix: readonly Fix[];
  readonly docs: string | null;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}

/** One question about the database. */
export interface Check {
  readonly id: string;
  readonly title: string;
  /** Where it stands in the report: the way to the server, or the state that the server is in. */
  readonly group: "connection" | "health";
  /** What it looks at and why, for `--explain`. */
  readonly about?: string;
  /** Ids of earlier checks without which this one makes no sense. */
  readonly needs: readonly string[];
  run(context: CheckContext): Promise<Finding>;
}

/** What is examined. */
export interface Subject {
  readonly target: DatabaseTarget;
  /** Every setting in effect, the database's parts first; secrets are masked. */
  readonly settings: readonly SettingSource[];
  /** Doubts about the configuration, such as two sources that disagree. */
  readonly warnings: readonly string[];
  /** Longest time for opening a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** It is the database that deby brings itself, where all connections share one session. */
  readonly isEmbedded?: boolean;
  /** Why the configuration was refused; nothing else can be looked at then. */
  readonly refusal?: string;
  readonly os: OperatingSystem;
  /** How many processes of deby share the server; default 1. */
  readonly instances?: number;
  /** Most pooled connections of each of them; default 20. */
  readonly poolMax?: number;
}

export interface CheckContext {
  readonly subject: Subject;
  readonly session: Session;
  readonly clock: Clock;
  /** The moment by which this check has to be done, on the clock's scale. */
  readonly deadlineAt: number;
  readonly signal: AbortSignal;
}

/** The host that a single command is about: the first. */
export function firstHost(target: DatabaseTarget): HostPort {
  return target.hosts[0] ?? { host: "localhost", port: 5432 };
}
