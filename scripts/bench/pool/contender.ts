import type { DatabaseAddress } from "../bench-database.ts";

/** The connections of one contender, at most `POOL_MAX`. */
export interface Client {
  /** The product of this id. */
  readonly readOne: (id: number) => PromiseLike<readonly unknown[]>;
  /** The ten products of this shelf. */
  readonly readTen: (shelf: number) => PromiseLike<readonly unknown[]>;
  /** Its reads are measured by another contender. */
  readonly onlyInserts?: true;
  /** Absent where the contender only reads. */
  readonly insertOne?: (productId: number) => PromiseLike<unknown>;
  readonly close: () => Promise<unknown>;
}

/** A way to run statements, written as its users would write them. */
export interface Contender {
  readonly name: string;
  readonly open: (at: DatabaseAddress) => Client | Promise<Client>;
}

/** Connections of each contender: deby's default. */
export const POOL_MAX = 20;
