import type { SeenLoad } from "./recovery.ts";

/** When what happened, on the run's clock in milliseconds. Undefined where the run did not get so far. */
export interface Moments {
  /** The load began. */
  readonly loadAt: number;
  /** The command that breaks the database was issued. */
  readonly injectedAt: number | undefined;
  /** The independent raw probe got no answer any more: the fault is confirmed. */
  readonly faultAt: number | undefined;
  /** The command that heals was issued: the zero of `dbReady` and `ttr`. */
  readonly healedAt: number | undefined;
  /** The independent probe got an answer again: a session, or what proves that sessions are of use where there always were some. */
  readonly dbReadyAt: number | undefined;
  /** The load ended. */
  readonly endedAt: number;
}

/** Everything a run saw; all figures are computed from this. */
export interface Observations extends SeenLoad {
  readonly moments: Moments;
  readonly requestTimeoutMs: number;
}
