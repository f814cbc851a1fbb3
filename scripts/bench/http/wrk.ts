export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly durationMs: number;
}

/** @throws Error that says how to install it. */
export function requireWrk(): void {
  if (Bun.which("wrk") !== null) return;
  throw new Error("Cannot find wrk, which makes the load: apt-get install wrk, or brew install wrk");
}

/** Requests a second that a server answers to so many connections of a single thread. Throws where one was not a 2xx. */
export async function runWrk({ url, connections, durationMs }: Load): Promise<number> {
  // It counts in whole seconds.
  const seconds = Math.max(1, Math.round(durationMs / 1000));
  const options = { threads: "1", connections: String(connections), duration: `${seconds}s`, timeout: "10s" };
  const command = ["wrk", ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), url];
  const wrk = Bun.spawn(command, { stdio: ["ignore", "pipe", 2] });
  const output = await wrk.stdout.text();
  const perSecond = Number(/^Requests\/sec:\s+([\d.]+)$/m.exec(output)?.[1]);
  const hasFailed = /Non-2xx or 3xx responses|Socket errors/.test(output);
  if ((await wrk.exited) === 0 && perSecond > 0 && !hasFailed) return perSecond;
  throw new Error(`${command.join(" ")} failed\n${output}`);
}
