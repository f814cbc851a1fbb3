import type { Contender } from "./contender.ts";
import { bunSql } from "./contenders/bun-sql.ts";
import { debyOnce, debyQuery, debyRead, debyTransaction } from "./contenders/deby.ts";
import { pgPool } from "./contenders/pg-pool.ts";
import { postgresJs, postgresJsUnpipelined } from "./contenders/postgres-js.ts";

export const CONTENDERS: readonly Contender[] = [
  debyRead,
  debyQuery,
  debyTransaction,
  debyOnce,
  postgresJs,
  postgresJsUnpipelined,
  bunSql,
  pgPool,
];
