/** Source: PostgreSQL protocol, ReadyForQuery: Z, and I, T or E. */
export const READY_FOR_QUERY = 0x5a;
export const READY_BYTES = 6;

export const OUTSIDE_TRANSACTION = 0x49;
export const IN_TRANSACTION = 0x54;
export const IN_FAILED_TRANSACTION = 0x45;

/** The last byte of a chunk that ends with ReadyForQuery. */
export function transactionStatus(chunk: Buffer | undefined): number | undefined {
  if (chunk === undefined || chunk.length < READY_BYTES) return undefined;
  return chunk[chunk.length - READY_BYTES] === READY_FOR_QUERY ? chunk[chunk.length - 1] : undefined;
}
