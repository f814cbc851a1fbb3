import type { DatabaseTarget, HostPort } from "../config/types.ts";
import type { Connection } from "../database/connection.ts";
import { addressLabel } from "../database/dial.ts";
import type { Certificate } from "../database/greeting.ts";
import type { ConnectFailure } from "./connect-failure.ts";

export type Opened =
  | { readonly connection: Connection; readonly failure?: undefined }
  | { readonly connection?: undefined; readonly failure: ConnectFailure };

/** One of the target's hosts, and what the steps have found out about it. */
export class HostProgress {
  readonly host: HostPort;
  /** host:port, or the Unix socket's path. */
  readonly label: string;
  /** Set by `dns`: what the name stands for. */
  addresses: readonly HostPort[] = [];
  /** Set by `protocol`; undefined where the server offers no TLS. */
  certificate: Certificate | undefined;
  /** A step has failed here; those after it pass it by. */
  isOut = false;
  #opening: Promise<Opened> | undefined;

  constructor(host: HostPort) {
    this.host = host;
    this.label = addressLabel(host);
  }

  /** The one connection to it, or why there is none. */
  opened(open: () => Promise<Opened>): Promise<Opened> {
    this.#opening ??= open();
    return this.#opening;
  }

  /** What became of the connection, for steps after the one that opened it; undefined where none did. */
  get opening(): Promise<Opened> | undefined {
    return this.#opening;
  }
}

/** Every host once, in the target's order. */
export function hostsOf({ hosts }: DatabaseTarget): HostProgress[] {
  const byLabel = new Map(hosts.map((host) => [addressLabel(host), host]));
  return [...byLabel.values()].map((host) => new HostProgress(host));
}
