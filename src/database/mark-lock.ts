import { DEBY_LOCK } from "./own-table.ts";

/** What the locks that mark transactions have in common, besides those of keys. */
export const MARK_LOCK = DEBY_LOCK + 1;
