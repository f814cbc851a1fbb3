const UNIT_BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const;

type Unit = keyof typeof UNIT_BYTES;

/** A percentage as a program writes it: `2%`. */
export type Percent = `${number}%`;

/** Bytes of a size such as `512b`, `64kb`, `1mb` or `1gb`; a kb is 1024 bytes. Undefined for anything else. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+)(b|kb|mb|gb)$/i.exec(text.trim());
  if (match === null) return undefined;
  const bytes = Number(match[1]) * UNIT_BYTES[(match[2] ?? "").toLowerCase() as Unit];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact notation: 1048576 is `1mb`. */
export function formatByteSize(bytes: number): string {
  for (const unit of ["gb", "mb", "kb"] as const) {
    if (bytes > 0 && bytes % UNIT_BYTES[unit] === 0) return `${bytes / UNIT_BYTES[unit]}${unit}`;
  }
  return `${bytes}b`;
}

/** The part that `2%` or `2 %` means: 0.02. Undefined for anything else. */
export function parsePercent(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?%$/.exec(text.trim());
  return match === null ? undefined : Number(match[1]) / 100;
}

/** 0.02 is `2%`. */
export function formatPercent(part: number): string {
  return `${Number((part * 100).toFixed(6))}%`;
}
