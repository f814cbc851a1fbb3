/** The words that start another process of this very program: the executable, or Bun with the program's first file. */
export function selfCommand(): readonly string[] {
  return Bun.isStandaloneExecutable ? [process.execPath] : [process.execPath, Bun.main];
}
