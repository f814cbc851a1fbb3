export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Default 60 000 ms. */
  readonly deadlineMs?: number;
}

/**
 * Runs a command to its end and returns its stdout.
 * @throws Error with the exit code and all output when it fails or the deadline passes.
 */
export async function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { deadlineMs = 60_000 } = options;
  const { PATH } = process.env;
  const child = Bun.spawn([...command], {
    cwd: options.cwd ?? "/",
    env: { PATH, ...options.env },
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
    timeout: deadlineMs,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode === 0) return stdout;
  const end = child.signalCode === null ? `exit code ${exitCode}` : `${child.signalCode} (limit ${deadlineMs} ms)`;
  throw new Error(`${command.join(" ")} failed: ${end}\n${stdout}${stderr}`);
}
