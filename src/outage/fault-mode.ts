/** What becomes of the bytes of a connection that stands; it can be changed at any time. */
export type TrafficMode =
  /** The client notices nothing. */
  | { readonly kind: "pass" }
  /**
   * A cut network: nothing arrives in either direction, closing included, and nothing is lost. The client's writes
   * succeed until buffers are full, then wait; no answer ever comes. What was held is delivered when the mode changes,
   * unless its sender has reset the connection meanwhile. A new connection is accepted, but reaches the server only
   * when the mode changes.
   */
  | { readonly kind: "silence" }
  /** Half a cut: the server gets and does everything, the client hears nothing, not even that the server closed. */
  | { readonly kind: "silence-replies" }
  /** Everything arrives in order, `delayMs` late in each direction: a round trip takes twice that longer. */
  | { readonly kind: "latency"; readonly delayMs: number }
  /** A thin line: each direction of each connection carries so many bytes a second, in small portions. */
  | { readonly kind: "throttle"; readonly bytesPerSecond: number };

/** What becomes of a connection that a client is about to make. */
export type ArrivalMode =
  | TrafficMode
  /** ECONNREFUSED: nobody listens on the port, as when the server is stopped. */
  | { readonly kind: "refuse" }
  /** Connected, then closed without a byte, as Docker's port proxy does while nothing listens inside. */
  | { readonly kind: "accept-and-close" }
  /** Connected, then ECONNRESET. */
  | { readonly kind: "accept-and-reset" }
  /** Connected, then silence for ever: what the client sends is thrown away, also when the mode changes. */
  | { readonly kind: "accept-and-mute" }
  /** Connected, then bytes that belong to no protocol, then silence. */
  | { readonly kind: "garbage" };

/** What a hook wants done with the chunk that it was shown; `afterBytes` of it still go through. */
export type ChunkVerdict =
  | { readonly kind: "pass" }
  | { readonly kind: "replace"; readonly bytes: Uint8Array }
  /** Resets both ends once those bytes are on their way. */
  | { readonly kind: "reset"; readonly afterBytes: number }
  /** Changes the connection's mode; the rest of the chunk falls under it. */
  | { readonly kind: "silence" | "silence-replies"; readonly afterBytes: number };

/** How one direction of a connection flows. */
export type Flow =
  | { readonly kind: "open" }
  | { readonly kind: "held" }
  | { readonly kind: "late"; readonly delayMs: number }
  | { readonly kind: "slow"; readonly bytesPerSecond: number };

/** How a mode makes the two directions flow. */
export function flowsOf(mode: TrafficMode): { readonly toServer: Flow; readonly toClient: Flow } {
  switch (mode.kind) {
    case "pass":
      return both({ kind: "open" });
    case "silence":
      return both({ kind: "held" });
    case "silence-replies":
      return { toServer: { kind: "open" }, toClient: { kind: "held" } };
    case "latency":
      return both({ kind: "late", delayMs: mode.delayMs });
    case "throttle":
      return both({ kind: "slow", bytesPerSecond: mode.bytesPerSecond });
    default:
      return mode satisfies never;
  }
}

function both(flow: Flow) {
  return { toServer: flow, toClient: flow };
}
