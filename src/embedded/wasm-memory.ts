/** Where a module says what memory it wants: the bytes from `start` to `end`, in the section from `sectionStart`. */
interface MemoryLimits {
  readonly sectionStart: number;
  /** Behind the section's length, which counts from here. */
  readonly contentStart: number;
  readonly contentEnd: number;
  readonly start: number;
  readonly end: number;
  readonly initial: number;
  readonly maximum: number | undefined;
  readonly isShared: boolean;
}

const HEADER_BYTES = 8;
const IMPORT_SECTION = 2;
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const;
const HAS_MAXIMUM = 1;
const IS_SHARED = 2;
/** Of 64 KiB; as many as there can be, for a module that does not care. */
const MOST_PAGES = 65_536;

/**
 * The same module, but with a memory that threads share as the one it imports; undefined where it imports none, or a
 * shared one already. No instruction of it changes: what may be shared is a matter of the declaration alone.
 * Source: WebAssembly core specification 2.0 with threads, sections 5.3.7 (limits) and 5.5.5 (import section).
 */
export function withSharedMemory(wasm: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const found = findMemoryLimits(wasm);
  if (found === undefined || found.isShared) return undefined;
  const { sectionStart, contentStart, contentEnd, start, end, initial, maximum = MOST_PAGES } = found;
  const limits = [HAS_MAXIMUM | IS_SHARED, ...encodeNumber(initial), ...encodeNumber(maximum)];
  const content = [wasm.subarray(contentStart, start), limits, wasm.subarray(end, contentEnd)];
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const parts = [
    wasm.subarray(0, sectionStart),
    [IMPORT_SECTION, ...encodeNumber(length)],
    ...content,
    wasm.subarray(contentEnd),
  ];
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

function findMemoryLimits(wasm: Uint8Array): MemoryLimits | undefined {
  let at = HEADER_BYTES;
  const readNumber = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++] ?? 0;
      value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value >>> 0;
    }
  };
  const readLimits = () => {
    const flags = wasm[at++] ?? 0;
    const initial = readNumber();
    const maximum = (flags & HAS_MAXIMUM) === 0 ? undefined : readNumber();
    return { initial, maximum, isShared: (flags & IS_SHARED) !== 0 };
  };
  const skipName = (): void => {
    const bytes = readNumber();
    at += bytes;
  };

  while (at < wasm.length) {
    const sectionStart = at;
    const section = wasm[at++];
    const length = readNumber();
    const contentStart = at;
    const contentEnd = at + length;
    if (section !== IMPORT_SECTION) {
      at = contentEnd;
      continue;
    }
    for (let left = readNumber(); left > 0; left--) {
      skipName();
      skipName();
      const kind = wasm[at++];
      if (kind === KIND.memory) {
        const start = at;
        const limits = readLimits();
        return { sectionStart, contentStart, contentEnd, start, end: at, ...limits };
      }
      if (kind === KIND.function) readNumber();
      else if (kind === KIND.global) at += 2;
      else if (kind === KIND.table) {
        at += 1;
        readLimits();
      } else return undefined;
    }
    return undefined;
  }
  return undefined;
}

/** As LEB128. */
function encodeNumber(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...encodeNumber(value >>> 7)];
}
