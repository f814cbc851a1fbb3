import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { listed, manual, psql } from "./words.ts";

export interface CrashSafetyRow {
  readonly fsync: string;
  readonly fullPageWrites: string;
}

const QUESTION = `select current_setting('fsync') as fsync, current_setting('full_page_writes') as "fullPageWrites"`;

export const crashSafetyCheck = healthCheck<CrashSafetyRow | undefined>({
  ...TABLE.crashSafety,
  about: "Whether a power cut leaves a database that can be used: fsync and full_page_writes.",
  look: async ({ ask }) => (await ask<CrashSafetyRow>(QUESTION))[0],
  judge(row, scene) {
    const settings = { fsync: row?.fsync, full_page_writes: row?.fullPageWrites };
    const off = Object.entries(settings).flatMap(([name, value]) => (value === "off" ? [name] : []));
    if (off.length === 0) return { status: "pass", evidence: "fsync and full_page_writes are on" };
    return {
      status: "warn",
      evidence: listed(off.map((name) => `${name} is off`)),
      cause: `A power cut or a crash of the machine may destroy the database, since ${off.join(" and ")} is off. What the server holds for written may not be on disk by then. The command switches it on at once, without a restart`,
      fix: psql(scene, [...off.map((name) => `ALTER SYSTEM SET ${name} = on`), "SELECT pg_reload_conf()"]),
      docs: manual("runtime-config-wal.html#RUNTIME-CONFIG-WAL-SETTINGS"),
    };
  },
});
