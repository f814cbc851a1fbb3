import { version } from "../../package.json";

// Put in by scripts/build.ts; it does not exist when the source is run as it is.
declare const DEBY_BUILD_COMMIT: string | undefined;

/** What `deby --version` and the health route tell of the program that runs. */
export interface BuildInfo {
  readonly version: string;
  /** The short commit, with `-dirty` where the tree was changed; `source` when the program was not built. */
  readonly commit: string;
  readonly bun: string;
}

export const buildInfo: BuildInfo = {
  version,
  commit: typeof DEBY_BUILD_COMMIT === "string" ? DEBY_BUILD_COMMIT : "source",
  bun: Bun.version,
};
