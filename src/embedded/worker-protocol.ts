import type { CancelFlags } from "./shared-memory.ts";

/** What the main thread says to PGlite's thread. */
export type ToWorker =
  | { readonly type: "open"; readonly dataFolder: string }
  /** Whole messages of the PostgreSQL protocol. One at a time: the next is sent after `done`. */
  | { readonly type: "run"; readonly messages: Uint8Array }
  | { readonly type: "close" };

/** What PGlite's thread says. */
export type FromWorker =
  | {
      readonly type: "opened";
      /** What a server tells every client at the start of a session, by name. */
      readonly parameters: Readonly<Record<string, string>>;
      /** Undefined where a running statement cannot be cancelled. */
      readonly cancelFlags: CancelFlags | undefined;
    }
  /** A part of the answer; parts may end in mid-message. */
  | { readonly type: "data"; readonly bytes: Uint8Array }
  | { readonly type: "done"; readonly isInTransaction: boolean }
  | { readonly type: "closed" }
  /** It is broken beyond repair. */
  | { readonly type: "failed"; readonly reason: string };
