import type { Contender } from "./contender.ts";
import { bunSql } from "./contenders/bun-sql.ts";
import { debyQuery, debyRead } from "./contenders/deby.ts";
import { pgPool } from "./contenders/pg-pool.ts";
import { postgresJs, postgresJsUnpipelined } from "./contenders/postgres-js.ts";

export const CONTENDERS: readonly Contender[] = [
  debyRead,
  debyQuery,
  postgresJs,
  postgresJsUnpipelined,
  bunSql,
  pgPool,
];
