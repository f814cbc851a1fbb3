import type { HostPort } from "../config/types.ts";
import { codedError } from "../core/within.ts";
import type { ProbeConnection } from "./monitor.ts";
import type { Found } from "./rivals.ts";
import { codeOf } from "./sqlstate.ts";

/** A host that has said nothing for so long since its dial keeps silent. */
const SILENT_AFTER_MS = 200;

/** Errors of our own, by which a host has told nothing. */
const SILENCE = new Set(["ETIMEDOUT", "ABORT_ERR"]);

/** What is known of a host when it is dialled. */
export interface HostKnowledge {
  readonly startedAt: number;
  /** It kept silent the last time. */
  readonly isMute: boolean;
  /** The server that we are with, if this host is where we found it. */
  readonly ours: string | undefined;
}

export interface HostDialOptions {
  /** The dial is given up. */
  readonly signal: AbortSignal;
  /** The host has accepted. */
  readonly onReached: () => void;
}

/** A dial to one host in the course of a search, and how far it got. */
export class HostDial<C extends ProbeConnection> {
  readonly host: HostPort;
  readonly startedAt: number;
  readonly isMute: boolean;
  /** The host has accepted: somebody is there, who may be slow. */
  isReached = false;
  /** Resolves when it has ended, well or not. */
  readonly settled: Promise<void>;
  readonly #ours: string | undefined;
  readonly #over = new AbortController();
  #found: Found<C> | undefined;
  #error: unknown;

  constructor(
    host: HostPort,
    dial: (options: HostDialOptions) => Promise<Found<C>>,
    { startedAt, isMute, ours }: HostKnowledge,
  ) {
    this.host = host;
    this.startedAt = startedAt;
    this.isMute = isMute;
    this.#ours = ours;
    const onReached = (): void => {
      this.isReached = true;
    };
    this.settled = dial({ signal: this.#over.signal, onReached }).then(
      (found) => {
        this.#found = found;
        if (this.#over.signal.aborted) void found.connection.close();
      },
      (error) => {
        this.#error = error;
      },
    );
  }

  /** Undefined until it has come about, and when it is lost again. */
  get found(): Found<C> | undefined {
    return this.#found?.connection.isLost ? undefined : this.#found;
  }

  get connection(): C | undefined {
    return this.found?.connection;
  }

  get isPending(): boolean {
    return this.#found === undefined && this.#error === undefined;
  }

  /** A successor of the server that we were with has answered. */
  get isSuccessor(): boolean {
    return this.found?.isSuccessor === true;
  }

  /** It leads to where we found the server that we are with. */
  get isOurs(): boolean {
    return this.#ours !== undefined;
  }

  /** The server that we are with has answered. */
  get isTrusted(): boolean {
    return this.#ours !== undefined && this.connection?.backend.server === this.#ours;
  }

  /** Why there is no connection that would do. */
  get error(): unknown {
    if (this.#error !== undefined) return this.#error;
    return this.found === undefined
      ? codedError("CONNECTION_CLOSED", "The connection was closed at once")
      : codedError("READ_ONLY", "the server accepts no writes");
  }

  /** Whether the host has not said a word. */
  wasSilent(now: number): boolean {
    if (this.isPending) return now - this.startedAt >= SILENT_AFTER_MS;
    return this.#error !== undefined && codeOf(this.#error) === "ETIMEDOUT";
  }

  /** Whether the host has answered, be it with a refusal. */
  get hasSpoken(): boolean {
    return this.#found !== undefined || (this.#error !== undefined && !SILENCE.has(codeOf(this.#error)));
  }

  /** Nobody wants the connection, be it there already or still to come. */
  discard(): void {
    this.#over.abort();
    void this.#found?.connection.close();
  }
}
