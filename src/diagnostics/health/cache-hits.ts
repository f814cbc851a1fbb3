import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count } from "./words.ts";

export interface CacheRow {
  readonly hits: number;
  readonly reads: number;
}

const QUESTION = `select blks_hit::float8 as hits, blks_read::float8 as reads
  from pg_stat_database where datname = current_database()`;

export const cacheHitsCheck = healthCheck<CacheRow | undefined>({
  ...TABLE.cacheHits,
  about: "How often a block was in the server's memory; what is good depends on the work.",
  look: async ({ ask }) => (await ask<CacheRow>(QUESTION))[0],
  judge(row) {
    const { hits = 0, reads = 0 } = row ?? {};
    const all = hits + reads;
    if (all === 0) return { status: "pass", evidence: "nothing was read yet" };
    return {
      status: "pass",
      evidence: `${((hits / all) * 100).toFixed(1)} % of ${count(all, "block")} from shared_buffers`,
    };
  },
});
