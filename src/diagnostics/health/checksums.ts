import { commandLine } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, grade, listed, manual } from "./words.ts";

export interface ChecksumRow {
  /** Null for what all databases share. */
  readonly database: string | null;
  /** Null where checksums are not kept. */
  readonly failures: number | null;
  readonly lastAt: string | null;
}

const QUESTION = `select datname as database, checksum_failures::float8 as failures,
    to_char(checksum_last_failure, 'YYYY-MM-DD HH24:MI') as "lastAt"
  from pg_stat_database order by checksum_failures desc nulls last`;

export const checksumsCheck = healthCheck<readonly ChecksumRow[]>({
  ...TABLE.checksums,
  about: "Whether a page was ever read that is not as it was written: disk, memory or file system is at fault then.",
  look: ({ ask }) => ask<ChecksumRow>(QUESTION),
  judge(rows, scene) {
    const damaged = rows.filter(({ failures }) => grade(failures ?? 0, scene.limits) !== "pass");
    const [worst] = damaged;
    if (worst === undefined) {
      const isKept = rows.some(({ failures }) => failures !== null);
      return { status: "pass", evidence: isKept ? "no page was ever damaged" : "the server keeps no checksums" };
    }
    const nameOf = ({ database }: ChecksumRow) => database ?? "what all databases share";
    const facts = damaged.map((row) => {
      return `${count(row.failures ?? 0, "damaged page")} read in ${nameOf(row)}, the last at ${row.lastAt ?? "an unknown time"}`;
    });
    const { host, port } = scene.at;
    const which = worst.database === null ? ["--all"] : ["-d", worst.database];
    const amcheck = ["pg_amcheck", "-h", host, "-p", String(port), "-U", "postgres", ...which];
    return {
      status: "fail",
      evidence: listed(facts),
      cause: `Data of ${nameOf(worst)} is damaged on disk. What the server wrote is not what it reads: disk, memory or file system is at fault. Take a copy of the data folder before anything else; the server's log names the files. The command reads all tables and indexes and says which are damaged (from 14 on), and changes nothing`,
      fix: [{ os: "any", command: commandLine("linux", amcheck) }],
      docs: manual("checksums.html"),
    };
  },
});
