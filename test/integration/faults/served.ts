import { fileURLToPath } from "node:url";
import type { DebyProcess } from "../../support/executable.ts";
import { type ServeOptions, startServe } from "../../support/serve.ts";
import { FaultClient } from "./client.ts";
import { HealthWatch } from "./health.ts";
import { Load, type LoadOptions } from "./load.ts";
import { PASSWORD, ROLE, type Stage } from "./stage.ts";

const ROUTES = fileURLToPath(import.meta.resolve("./routes.ts"));

export interface ServedOptions extends LoadOptions, Pick<ServeOptions, "until"> {
  /** deby's settings for this fault, as DEBY_ variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default 30 000, which is deby's own. */
  readonly requestTimeoutMs?: number;
  /** Default `proxy`; `server` where it matters that nothing at all listens. */
  readonly through?: "proxy" | "server";
}

/** The compiled server with the routes of the suite, its clients at work and its health under watch. */
export class Served implements AsyncDisposable {
  readonly process: DebyProcess;
  readonly client: FaultClient;
  readonly load: Load;
  readonly health: HealthWatch;
  readonly requestTimeoutMs: number;

  private constructor(process: DebyProcess, port: number, { requestTimeoutMs, ...options }: TimedOptions) {
    this.process = process;
    this.requestTimeoutMs = requestTimeoutMs;
    this.client = new FaultClient(port, requestTimeoutMs);
    this.client.segment = options.segment;
    this.load = new Load(this.client, options);
    this.health = new HealthWatch(port);
  }

  static async start(stage: Stage, segment: number, options: ServedOptions = {}): Promise<Served> {
    const { env, until = "up", through = "proxy", requestTimeoutMs = 30_000 } = options;
    const deby = await startServe(stage.server, {
      args: ["--routes", ROUTES, "--log-format", "json", "--request-timeout", `${requestTimeoutMs}ms`],
      env: {
        POSTGRES_PORT: String((through === "proxy" ? stage.proxy : (stage.pooler ?? stage.server)).port),
        POSTGRES_USER: ROLE,
        POSTGRES_PASSWORD: PASSWORD,
        ...env,
      },
      until,
    });
    return new Served(deby.process, Number(new URL(deby.url).port), { ...options, segment, requestTimeoutMs });
  }

  /** The names of the events that deby has logged from this line on. */
  eventsFrom(line: number): string[] {
    return this.process.lines.slice(line).map((text) => eventOf(text) ?? "");
  }

  /** Lines from this one on that are no log line, or that tell of an error which nobody handled. */
  crashSignsFrom(line: number): string[] {
    return this.process.lines.slice(line).filter((text) => {
      const event = eventOf(text);
      return event === undefined || event === "process.stray-error";
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // deby first: whoever still waits for an answer learns then that none will come.
    await this.process[Symbol.asyncDispose]();
    await this.load[Symbol.asyncDispose]();
    await this.health[Symbol.asyncDispose]();
    this.client[Symbol.dispose]();
  }
}

type TimedOptions = LoadOptions & { readonly requestTimeoutMs: number; readonly segment: number };

function eventOf(line: string): string | undefined {
  try {
    return (JSON.parse(line) as { event?: string }).event;
  } catch {
    return undefined;
  }
}
