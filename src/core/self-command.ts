import { existsSync } from "node:fs";

/**
 * The words that start another process of this very program: the executable, or Bun with the program's first file.
 * On Linux by the link to what really runs, since an update may have put another file in the executable's place.
 */
export function selfCommand(): readonly string[] {
  if (!Bun.isStandaloneExecutable) return [process.execPath, Bun.main];
  const running = `/proc/${process.pid}/exe`;
  return [existsSync(running) ? running : process.execPath];
}
