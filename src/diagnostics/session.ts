import type { DatabaseTarget, HostPort } from "../config/types.ts";
import type { Clock } from "../core/clock.ts";
import { DeadlineSweep } from "../core/sweep.ts";
import { Connection } from "../database/connection.ts";
import type { CheckContext } from "./check.ts";
import { type ConnectFailure, readConnectFailure } from "./connect-failure.ts";
import type { TableFact } from "./report-model.ts";

/** An address that a host name stands for. */
export interface Address extends HostPort {
  /** The host as it is configured. */
  readonly name: string;
}

export type Opened =
  | { readonly connection: Connection; readonly failure?: undefined }
  | { readonly connection?: undefined; readonly failure: ConnectFailure };

/** What the checks of one run share: found by one, used by those after it. Owns the one connection. */
export class Session implements AsyncDisposable {
  /** Set by `dns`. */
  addresses: readonly Address[] = [];
  /** Set by `tcp`: the host that answers, which is the one that refusals come from. */
  reachable: HostPort | undefined;
  /** Set by `tables`. */
  tables: readonly TableFact[] = [];

  readonly #clock: Clock;
  readonly #sweep: DeadlineSweep;
  #opening: Promise<Opened> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sweep = new DeadlineSweep(clock);
  }

  /** The connection that all checks use, or why there is none: TLS, authentication and database come together. */
  opened(context: CheckContext): Promise<Opened> {
    this.#opening ??= this.open(context.subject.target, context);
    return this.#opening;
  }

  /** Opens a connection of its own, which the caller closes. */
  async open(target: DatabaseTarget, { subject, deadlineAt, signal }: CheckContext): Promise<Opened> {
    try {
      const connection = await Connection.open(target, {
        clock: this.#clock,
        sweep: this.#sweep,
        deadlineAt: Math.min(deadlineAt, this.#clock.now() + subject.connectTimeoutMs),
        applicationName: "deby-check",
        // A check runs once, and named statements are what a transaction pooler may not carry.
        prepare: "off",
        signal,
      });
      return { connection };
    } catch (error) {
      return { failure: readConnectFailure(error) };
    }
  }

  /** The connection, for checks that run only after it was opened. */
  async connection(context: CheckContext): Promise<Connection> {
    const { connection, failure } = await this.opened(context);
    if (connection === undefined) throw new Error(`There is no connection: ${failure.message} (${failure.code})`);
    return connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await this.#opening;
    await opened?.connection?.close();
  }
}
