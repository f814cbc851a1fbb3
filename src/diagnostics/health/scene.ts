import type { HostPort } from "../../config/types.ts";
import type { Subject } from "../check.ts";
import type { Limits } from "./table.ts";

/** The server as a check may look at it. */
export interface Server {
  /** Such as 15. */
  readonly version: number;
  readonly isStandby: boolean;
  /** `TLSv1.3`, or undefined on a plain connection. */
  readonly tlsProtocol: string | undefined;
  /** The IP address that the connection leads to; undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
  /** One question in a read-only transaction of its own. */
  ask<R>(question: string): Promise<R[]>;
}

/** What a verdict may depend on beyond what was seen. */
export interface Scene {
  readonly subject: Subject;
  readonly limits: Limits;
  readonly version: number;
  /** Where the server is that was asked. */
  readonly at: HostPort;
}
