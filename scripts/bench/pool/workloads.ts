import { PRODUCTS, PRODUCTS_PER_SHELF } from "../bench-database.ts";
import type { Client } from "./contender.ts";

export interface Workload {
  readonly name: string;
  /** What runs its n-th statement; undefined where the contender does not take part. */
  readonly statement: (client: Client) => ((n: number) => PromiseLike<unknown>) | undefined;
}

/** A prime that divides neither number of rows: the statements go all over the table, the same way for everybody. */
const STRIDE = 7919;

function anyOf(count: number, n: number): number {
  return (n * STRIDE) % count;
}

export const INSERT = "insert 1 row";

export const WORKLOADS: readonly Workload[] = [
  {
    name: "read 1 row",
    statement: ({ readOne, onlyInserts }) => (onlyInserts ? undefined : (n) => readOne(1 + anyOf(PRODUCTS, n))),
  },
  {
    name: "read 10 rows",
    statement: ({ readTen, onlyInserts }) =>
      onlyInserts ? undefined : (n) => readTen(anyOf(PRODUCTS / PRODUCTS_PER_SHELF, n)),
  },
  {
    name: INSERT,
    statement: ({ insertOne }) => insertOne && ((n) => insertOne(1 + anyOf(PRODUCTS, n))),
  },
];
