import { randomBytes } from "node:crypto";

/** Tells the runs of one machine apart: eight lower-case hexadecimal digits. */
export function makeRunId(): string {
  return randomBytes(4).toString("hex");
}
