import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, manual, psql } from "./words.ts";

export interface ArchiverRow {
  readonly mode: string;
  /** Whether the last try has failed. */
  readonly isFailing: boolean;
  readonly failures: number;
  readonly lastFailedWal: string | null;
  readonly lastFailedAt: string | null;
  readonly lastArchivedAt: string | null;
}

const QUESTION = `select current_setting('archive_mode') as mode, failed_count::float8 as failures,
    coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as "isFailing",
    last_failed_wal as "lastFailedWal", to_char(last_failed_time, 'YYYY-MM-DD HH24:MI') as "lastFailedAt",
    to_char(last_archived_time, 'YYYY-MM-DD HH24:MI') as "lastArchivedAt"
  from pg_stat_archiver`;

export const archiverCheck = healthCheck<ArchiverRow | undefined>({
  ...TABLE.archiver,
  about: "Whether WAL gets to its archive: while it does not, backups end in the past and the disk fills.",
  look: async ({ ask }) => (await ask<ArchiverRow>(QUESTION))[0],
  judge(row, scene) {
    if (row === undefined || row.mode === "off") return { status: "pass", evidence: "no WAL is archived" };
    const last = row.lastArchivedAt === null ? "nothing was archived yet" : `last archived ${row.lastArchivedAt}`;
    if (!row.isFailing) return { status: "pass", evidence: `WAL is archived, ${last}` };
    return {
      status: "fail",
      evidence: `${row.lastFailedWal} could not be archived at ${row.lastFailedAt}, ${last}\n${count(row.failures, "failure")} so far`,
      cause: `WAL cannot be archived since ${row.lastArchivedAt ?? "the beginning"}. Backups cannot be restored beyond that moment, and the server keeps all WAL until the disk is full. The server's log tells what archive_command has said; the command shows it, and changes nothing`,
      fix: psql(scene, "SELECT name, setting FROM pg_settings WHERE name LIKE 'archive_%'"),
      docs: manual("continuous-archiving.html#BACKUP-ARCHIVING-WAL"),
    };
  },
});
