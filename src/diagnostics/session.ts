import type { DatabaseTarget, HostPort } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import { DeadlineSweep } from "../core/sweep.ts";
import { Connection } from "../database/connection.ts";
import type { CheckContext } from "./check.ts";
import { readConnectFailure } from "./connect-failure.ts";
import { type HostProgress, hostsOf, type Opened } from "./host-progress.ts";
import type { TableFact } from "./report-model.ts";

/** What the checks of one run share: found by one, used by those after it. Owns the connections, one to each host. */
export class Session implements AsyncDisposable {
  /** Set by `role`: the host whose connection the checks after it use. */
  chosen: HostProgress | undefined;
  /** Set by `tables`. */
  tables: readonly TableFact[] = [];

  readonly #clock: Clock;
  readonly #sweep: DeadlineSweep;
  #hosts: readonly HostProgress[] | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sweep = new DeadlineSweep(clock);
  }

  /** The target's hosts. */
  hosts({ target }: { readonly target: DatabaseTarget }): readonly HostProgress[] {
    this.#hosts ??= hostsOf(target);
    return this.#hosts;
  }

  /** The connection to a host, or why there is none: TLS, authentication and database come together. */
  opened(host: HostProgress, context: CheckContext): Promise<Opened> {
    return host.opened(() => this.open(host.host, context.subject.target.database, context));
  }

  /** Opens a connection of its own, which the caller closes. */
  async open(host: HostPort, database: string, { subject, deadlineAt, signal }: CheckContext): Promise<Opened> {
    try {
      const connection = await Connection.open(
        { ...subject.target, hosts: [host], database },
        {
          clock: this.#clock,
          sweep: this.#sweep,
          deadlineAt: Math.min(deadlineAt, this.#clock.now() + subject.connectTimeoutMs),
          applicationName: "deby-check",
          // A check runs once, and named statements are what a transaction pooler may not carry.
          prepare: "off",
          signal,
        },
      );
      return { connection };
    } catch (error) {
      return { failure: readConnectFailure(error) };
    }
  }

  /** The connection, for checks that run only after it was opened: to the host that `role` chose, else to the first. */
  async connection(context: CheckContext): Promise<Connection> {
    const hosts = this.hosts(context.subject);
    const host = this.chosen ?? hosts.find(({ isOut }) => !isOut) ?? hosts[0];
    if (host === undefined) throw new Error("There is no host");
    const { connection, failure } = await this.opened(host, context);
    if (connection === undefined) throw new Error(`There is no connection: ${failure.message} (${failure.code})`);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const openings = (this.#hosts ?? []).map(async ({ opening }) => (await opening)?.connection?.close());
    await Promise.all(openings);
  }
}
