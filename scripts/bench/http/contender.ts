import type { PostgresServer } from "../../../test/support/postgres.ts";

/** A server that answers the route under test. Disposal ends it. */
export interface RunningServer extends AsyncDisposable {
  readonly name: string;
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: number;
}

export interface Contender {
  readonly name: string;
  readonly start: (server: PostgresServer) => Promise<RunningServer>;
}
