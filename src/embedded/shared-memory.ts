import type { PGlite } from "@electric-sql/pglite";
import { withSharedMemory } from "./wasm-memory.ts";

/** Where Postgres looks, in the middle of a statement, whether somebody wants it to end. */
export interface CancelFlags {
  readonly memory: SharedArrayBuffer;
  /** Addresses of two C variables, in bytes. */
  readonly queryCancelPending: number;
  readonly interruptPending: number;
}

/**
 * Makes all WebAssembly of this thread share its memory: PGlite's, which makes its memory by itself, and the libraries
 * that it loads later. Its thread does nothing else while a statement runs, and only so can another thread reach
 * Postgres's variables. Returns what gives the memory, once it was made.
 */
export function shareMemoryOfThisThread(): () => SharedArrayBuffer | undefined {
  const { Memory, Module } = WebAssembly;
  let made: WebAssembly.Memory | undefined;
  // Proxies, so that what others made still passes for an instance.
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      made = new target({ ...descriptor, shared: true });
      return made;
    },
  });
  WebAssembly.Module = new Proxy(Module, {
    construct: (target, [source]: [Bun.BufferSource]) => new target(withSharedMemory(bytesOf(source)) ?? source),
  });
  // Shared, as was asked for.
  return () => made?.buffer as unknown as SharedArrayBuffer | undefined;
}

/** The addresses, which the module exports for extensions of Postgres; undefined where it does not. */
export function cancelFlagsOf(db: PGlite, memory: SharedArrayBuffer | undefined): CancelFlags | undefined {
  // The exports are on the module, unknown to its types.
  const { _QueryCancelPending: query, _InterruptPending: interrupt } = db.Module as unknown as Record<string, unknown>;
  if (memory === undefined || typeof query !== "number" || typeof interrupt !== "number") return undefined;
  return { memory, queryCancelPending: query, interruptPending: interrupt };
}

/** Does what Postgres's own handler of the signal for a cancel request does. Source: PostgreSQL, StatementCancelHandler. */
export function raiseCancel(flags: CancelFlags): void {
  write(flags, flags.queryCancelPending, 1);
  write(flags, flags.interruptPending, 1);
}

/** Takes back what came too late for the statement it was meant for. */
export function lowerCancel(flags: CancelFlags): void {
  write(flags, flags.queryCancelPending, 0);
}

function bytesOf(source: Bun.BufferSource): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

function write({ memory }: CancelFlags, address: number, value: number): void {
  Atomics.store(new Int32Array(memory), address / Int32Array.BYTES_PER_ELEMENT, value);
}
