import type { LoadedConfig, LoadInputs } from "../../../src/config/load.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { ReadFile } from "../../../src/config/read-file.ts";

export interface Written {
  readonly flags?: LoadInputs["flags"];
  readonly env?: Readonly<Record<string, string>>;
  readonly envFile?: string;
  /** Files by path; a number beside the text is the permission bits, default 0o600. */
  readonly files?: Readonly<Record<string, string | readonly [text: string, mode: number]>>;
  readonly platform?: NodeJS.Platform;
  readonly canEmbed?: boolean;
}

/** Loads a configuration from what a test writes, and from nothing else. */
export function loadWith(written: Written): LoadedConfig {
  const { flags = {}, env = {}, envFile, files = {}, platform = "linux", canEmbed = false } = written;
  return loadConfig({ flags, environment: env, envFile, readFile: readerOf(files), platform, canEmbed });
}

/** The message of the error that loading ends with. */
export function refusalOf(written: Written): string {
  try {
    loadWith(written);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("The configuration was accepted");
}

export function readerOf(files: NonNullable<Written["files"]>): ReadFile {
  return (path) => {
    const file = files[path];
    if (file === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: "ENOENT" });
    const [text, mode] = typeof file === "string" ? [file, 0o600] : file;
    return { text, mode };
  };
}
