import type { Subprocess } from "bun";
import type { Secret } from "../config/secret.ts";
import type { Clock, Timer } from "../core/clock.ts";
import { selfCommand } from "../core/self-command.ts";
import { EMBEDDED_SERVER, type FromChild, type ToChild } from "./child-protocol.ts";

export interface ChildOptions {
  readonly folder: string;
  readonly port: number;
  readonly password: Secret;
  readonly clock: Clock;
  /** The words that start deby. */
  readonly command?: readonly string[];
  /** It takes connections. */
  readonly onReady: () => void;
}

type Pong = Extract<FromChild, { type: "pong" }>;

interface Waiting {
  readonly timer: Timer;
  readonly resolve: (pong: Pong | undefined) => void;
}

const STDERR_KEPT_CHARS = 2_000;

/** One life of the embedded server: its process and the channel to it. */
export class ChildProcess {
  readonly pid: number;
  /** Resolves when the process is gone, with the reason in words. */
  readonly ended: Promise<string>;
  readonly #process: Subprocess<"ignore", "ignore", "pipe">;
  readonly #options: ChildOptions;
  readonly #pings = new Map<number, Waiting>();
  #pingCount = 0;
  #failure: string | undefined;
  #stderr = "";

  constructor(options: ChildOptions) {
    this.#options = options;
    const { folder, port, password, command = selfCommand() } = options;
    this.#process = Bun.spawn([...command, EMBEDDED_SERVER, folder], {
      cwd: folder,
      // Nothing of our environment concerns it, secrets least of all.
      env: {},
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      // A session of its own: a Ctrl-C at the terminal reaches only us, and we end it when its time has come.
      detached: true,
      serialization: "json",
      ipc: (message: FromChild) => this.#hear(message),
    });
    this.pid = this.#process.pid;
    this.ended = this.#waitForEnd();
    this.#say({ type: "start", port, password: password.reveal(), parentPid: process.pid });
  }

  /** Its answer, or undefined when it gives none in time. */
  ping(limitMs: number): Promise<Pong | undefined> {
    this.#pingCount += 1;
    const id = this.#pingCount;
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(limitMs, () => this.#answer(id, undefined));
      this.#pings.set(id, { timer, resolve });
      this.#say({ type: "ping", id });
    });
  }

  requestStop(): void {
    // It may be frozen; then it hears us only afterwards.
    if (process.platform !== "win32") this.signal("SIGCONT");
    this.#say({ type: "stop" });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async #waitForEnd(): Promise<string> {
    this.#collectStderr().catch(() => {});
    await this.#process.exited;
    for (const id of [...this.#pings.keys()]) this.#answer(id, undefined);
    const { exitCode, signalCode } = this.#process;
    const lastWord = this.#failure ?? this.#stderr.trim().split("\n").at(-1);
    return [signalCode ?? `exit code ${exitCode}`, lastWord].filter(Boolean).join(", ");
  }

  async #collectStderr(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.stderr) {
      this.#stderr = (this.#stderr + decoder.decode(chunk, { stream: true })).slice(-STDERR_KEPT_CHARS);
    }
  }

  #hear(message: FromChild): void {
    switch (message.type) {
      case "ready":
        this.#options.onReady();
        break;
      case "failed":
        this.#failure = message.reason;
        return;
      case "pong":
        this.#answer(message.id, message);
        break;
      default:
        message satisfies never;
    }
  }

  #answer(id: number, pong: Pong | undefined): void {
    const waiting = this.#pings.get(id);
    this.#pings.delete(id);
    waiting?.timer.cancel();
    waiting?.resolve(pong);
  }

  #say(message: ToChild): void {
    try {
      this.#process.send(message);
    } catch {
      // Its end is on its way to us.
    }
  }
}
