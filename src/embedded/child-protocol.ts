/** The hidden command that runs the embedded server; deby gives it to itself, with the data folder as its argument. */
export const EMBEDDED_SERVER = "embedded-server";

/** What the supervisor says to the child. */
export type ToChild =
  /** Once, first: where to listen and whom to let in. */
  | { readonly type: "start"; readonly port: number; readonly password: string; readonly parentPid: number }
  /** Asks whether it is alive; answered by the child's main thread, however busy the database is. */
  | { readonly type: "ping"; readonly id: number }
  /** Ends it in an orderly way. */
  | { readonly type: "stop" };

/** What the child says to the supervisor. */
export type FromChild =
  | { readonly type: "ready" }
  /** It cannot go on, and ends. */
  | { readonly type: "failed"; readonly reason: string }
  | { readonly type: "pong"; readonly id: number; readonly isBusy: boolean };

/** The one database and role of the embedded server; the same as the defaults of a named one. */
export const EMBEDDED_DATABASE = "deby_ecommerce";
export const EMBEDDED_USER = "postgres";
