import { mkdir, rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { Subprocess } from "bun";
import { type Clock, sleep } from "../core/clock.ts";
import { selfCommand } from "../core/self-command.ts";
import { DebyError } from "../errors.ts";
import { findFreePort } from "./free-port.ts";
import { isHealthy, type ServerAddress } from "./health-watch.ts";
import { HttpClient } from "./http-client.ts";
import { Interrupted, type Interruption } from "./interruption.ts";
import type { ResourceStack } from "./resource-stack.ts";
import type { DatabaseEndpoint } from "./target.ts";

const READY_LIMIT_MS = 20_000;
const POLL_EVERY_MS = 50;
const CANARY_LIMIT_MS = 2_000;
/** A server that has nothing to do any more ends in milliseconds; one that does not is killed. */
const END_LIMIT_MS = 5_000;
const LOG_KEPT_CHARS = 16_000;

export interface ServeChildOptions {
  readonly endpoint: DatabaseEndpoint;
  /** Its working directory, which is made for it and removed with it. */
  readonly folder: string;
  /** Told of a part of its command line that no other process has, before there is one with it. */
  readonly onStart: (words: string) => Promise<void>;
  readonly clock: Clock;
  readonly resources: ResourceStack;
  readonly interruption: Interruption;
  /** Its database is away: it is waited for until it answers at all. */
  readonly isDatabaseDown: boolean;
  /** Deadline of a request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Its pause between attempts, in milliseconds. */
  readonly retryIntervalMs: number;
  /** The words that start deby; default: this very program. */
  readonly command?: readonly string[];
}

/** A server under test, as a process of its own. */
export interface ServeChild extends ServerAddress {
  readonly pid: number;
  /** Undefined while it runs. */
  ending(): string | undefined;
  /** The last lines of its log. */
  logTail(): string;
}

/**
 * Starts `deby serve --canary` on the target's database and waits until it is healthy and its canary is there. It is
 * ended with the run's other resources.
 * @throws DebyError CANNOT_RUN with the end of its log; Interrupted
 */
export async function startServeChild(options: ServeChildOptions): Promise<ServeChild> {
  const { endpoint, clock, resources, interruption, command = selfCommand() } = options;
  const address: ServerAddress = { host: "127.0.0.1", port: await findFreePort() };
  const { folder: cwd } = options;
  resources.add({ what: `the folder ${cwd}`, limitMs: 5_000, remove: () => rm(cwd, { recursive: true, force: true }) });
  await mkdir(cwd, { mode: 0o700 });
  const flags = ["--canary", "--host", address.host, "--port", String(address.port)];
  // Its own configuration is not read where it runs: what it is judged by, it has to be told.
  const times = { "--request-timeout": options.requestTimeoutMs, "--retry-interval": options.retryIntervalMs };
  const limits = Object.entries(times).flatMap(([flag, ms]) => [flag, `${ms}ms`]);
  await options.onStart(["serve", ...flags].join(" "));
  // A session of its own: a Ctrl-C at the terminal reaches only us, and we end it when its time has come.
  const child = Bun.spawn([...command, "serve", ...flags, ...limits], {
    cwd,
    env: serveEnvironment(process.env, endpoint),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    detached: true,
  });
  resources.add({
    what: `the server with pid ${child.pid}`,
    limitMs: END_LIMIT_MS * 2,
    remove: () => endChild(child, { clock, hurry: interruption.hurry }),
  });
  const log = collectTail(child.stderr);
  const serveChild: ServeChild = {
    ...address,
    pid: child.pid,
    ending: () => (child.exitCode ?? child.signalCode)?.toString(),
    logTail: () => log.text.trimEnd().split("\n").slice(-20).join("\n"),
  };
  const isReady = options.isDatabaseDown ? answers : serves;
  await waitUntil(isReady, serveChild, { clock, signal: interruption.signal });
  return serveChild;
}

/**
 * The child's environment: ours, without what names another database or another way of running. The database comes
 * as a variable, since arguments can be read by every user of the machine.
 */
export function serveEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  { user, password, host, port, database, tls }: DatabaseEndpoint,
): Record<string, string> {
  const named =
    /^(PG[A-Z]+|POSTGRES_.*|DATABASE_URL.*|PORT|DEBY_(HOST|PORT|ROUTES|EMBEDDED|DATA_DIR|CANARY|.*_TOKEN(_FILE)?))$/;
  const kept = Object.entries(env).filter(
    (pair): pair is [string, string] => pair[1] !== undefined && !named.test(pair[0]),
  );
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password.reveal())}`;
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    ...Object.fromEntries(kept),
    DATABASE_URL: `postgres://${login}@${address}/${encodeURIComponent(database)}?sslmode=${tls?.mode ?? "disable"}`,
    ...(tls?.rootCert === undefined
      ? {}
      : { PGSSLROOTCERT: tls.rootCert === "system" ? "system" : resolve(tls.rootCert) }),
  };
}

async function waitUntil(
  isReady: (client: HttpClient) => Promise<boolean>,
  child: ServeChild,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  using client = new HttpClient({ host: child.host, port: child.port, clock });
  const giveUpAt = clock.now() + READY_LIMIT_MS;
  while (!(await isReady(client))) {
    if (signal.aborted) throw new Interrupted();
    const ending = child.ending();
    if (ending !== undefined || clock.now() > giveUpAt) {
      const what = ending === undefined ? `does not serve after ${READY_LIMIT_MS} ms` : `ended with ${ending}`;
      throw new DebyError("CANNOT_RUN", `deby serve ${what}. Its log ends with:\n${child.logTail()}`);
    }
    await sleep(clock, POLL_EVERY_MS, signal);
  }
}

/** Healthy, with a canary. */
export async function serves(client: HttpClient): Promise<boolean> {
  return (await isHealthy(client)) && (await hasCanary(client));
}

async function answers(client: HttpClient): Promise<boolean> {
  try {
    await client.request({ method: "GET", path: "/api/health", limitMs: CANARY_LIMIT_MS });
    return true;
  } catch {
    return false;
  }
}

/** Whether the canary's table can be read, which is made only once the database is there. */
async function hasCanary(client: HttpClient): Promise<boolean> {
  try {
    const path = "/api/canary/00000000-0000-4000-8000-000000000000";
    const { status } = await client.request({ method: "GET", path, limitMs: CANARY_LIMIT_MS });
    return status === 404 || status === 200;
  } catch {
    return false;
  }
}

async function endChild(child: Subprocess, { clock, hurry }: { clock: Clock; hurry: AbortSignal }): Promise<void> {
  const kill = (): void => child.kill("SIGKILL");
  const timer = clock.after(END_LIMIT_MS, kill);
  hurry.addEventListener("abort", kill);
  child.kill(hurry.aborted ? "SIGKILL" : "SIGTERM");
  await child.exited;
  timer.cancel();
  hurry.removeEventListener("abort", kill);
}

/** Keeps the end of what a child writes. */
function collectTail(stream: ReadableStream<Uint8Array>): { readonly text: string } {
  const tail = { text: "" };
  const read = async (): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      tail.text = (tail.text + decoder.decode(chunk, { stream: true })).slice(-LOG_KEPT_CHARS);
    }
  };
  read().catch(() => {});
  return tail;
}
