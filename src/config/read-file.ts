import { readFileSync, statSync } from "node:fs";

interface FileContent {
  readonly text: string;
  /** Permission bits, as in 0o600. */
  readonly mode: number;
}

/** Reads a text file; throws an error with a `code` such as ENOENT. An argument, so that loading stays pure. */
export type ReadFile = (path: string) => FileContent;

export const readTextFile: ReadFile = (path) => ({
  text: readFileSync(path, "utf8"),
  mode: statSync(path).mode & 0o777,
});

/** The code of a failed system call, or the error in words where it has none. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return String(error);
}
