import type { HostPort } from "../../config/types.ts";
import type { Reason } from "../../database/events.ts";
import type { Certificate } from "../../database/greeting.ts";
import type { Finding, Fix, OperatingSystem, Subject } from "../check.ts";
import type { ConnectStep } from "../connect-failure.ts";
import { commandLine, onEverySystem } from "../shell.ts";

/** What went wrong: a code, and what is known beyond it. */
export interface Trouble extends Reason {
  readonly step?: ConnectStep | "tcp";
  /** The server's function that refused, which unlike the message is never translated. */
  readonly routine?: string | undefined;
  /** What the TLS library said, what else listens there, or what kind of server it is. */
  readonly detail?: string | undefined;
  /** Unix sockets of this machine behind which a PostgreSQL listens. */
  readonly nearby?: readonly HostPort[];
  /** The server's, where it showed one. */
  readonly certificate?: Certificate | undefined;
  /** Which databases there are, where that could be asked. */
  readonly databases?: readonly string[] | undefined;
}

export type Remedy = Required<Pick<Finding, "cause" | "fix" | "docs">>;

/** A trouble and all that its remedy may speak of. */
export interface Situation {
  readonly trouble: Trouble;
  readonly subject: Subject;
  readonly at: HostPort;
  /** host:port, or the Unix socket's path. */
  readonly label: string;
}

/** `page` is of PostgreSQL's manual. */
export function makeRemedy(cause: string, fix: readonly Fix[], page: string): Remedy {
  return { cause, fix, docs: `https://www.postgresql.org/docs/current/${page}` };
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.") || host.startsWith("/");
}

/** A command that is the same wherever it is typed. */
export function anywhere(...args: readonly string[]): Fix {
  return { os: "any", command: commandLine("linux", args) };
}

/** Statements that only a superuser may run, each as a line of psql. */
export function asSuperuser({ at, subject }: Situation, ...statements: readonly string[]): Fix[] {
  const port = String(at.port);
  return onEverySystem(subject.os, (os) =>
    statements.map((sql) => {
      const remote = ["psql", "-h", at.host, "-p", port, "-U", "postgres"];
      const program = subject.target.user === "postgres" && isLoopback(at.host) ? localSuperuser(os, port) : remote;
      return commandLine(os, [...program, "-c", sql]);
    }),
  );
}

/** How the superuser gets in on the server's own machine when its password is what is in question. */
function localSuperuser(os: OperatingSystem, port: string): string[] {
  if (os === "linux") return ["sudo", "-u", "postgres", "psql", "-p", port];
  return os === "macos" ? ["psql", "-p", port, "-d", "postgres"] : ["psql", "-p", port, "-U", "postgres"];
}

/** Whether the server accepts connections by now. */
export function askReadiness({ at, subject }: Situation): Fix[] {
  return onEverySystem(subject.os, (os) => commandLine(os, ["pg_isready", "-h", at.host, "-p", String(at.port)]));
}
