const PR_SET_PDEATHSIG = 1;
const SIGKILL = 9;

/**
 * Asks Linux to kill this process when the one that started it ends, however it ends: the only way that also reaches a
 * process that is stopped. Elsewhere, and where the C library cannot be called, the lost channel to the parent has to do.
 */
export async function askToDieWithParent(): Promise<void> {
  if (process.platform !== "linux") return;
  const { dlopen, FFIType } = await import("bun:ffi");
  const prctl = { args: [FFIType.int, FFIType.u64], returns: FFIType.int } as const;
  const musl = `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`;
  for (const library of ["libc.so.6", musl]) {
    try {
      dlopen(library, { prctl }).symbols.prctl(PR_SET_PDEATHSIG, SIGKILL);
      return;
    } catch {
      // Another C library, or none that may be called.
    }
  }
}
