import type { Clock } from "../core/clock.ts";
import type { BackendError } from "./backend-messages.ts";
import type { Engine } from "./engine.ts";
import { frontendMessage } from "./frontend-messages.ts";
import { ResponseScanner } from "./response-scanner.ts";
import { Turns } from "./turns.ts";

/** What the session needs of a client. */
export interface SessionClient {
  /** Settings that it asked for at its start, by name. */
  readonly settings: ReadonlyMap<string, string>;
  send(part: Uint8Array): void;
  /** Tells it the error and hangs up. */
  end(error: BackendError): void;
  /** The messages that close its prepared statements. */
  closeStatements(): readonly Buffer[];
  /** Its prepared statements are gone. Returns whether it had any. */
  forgetStatements(): boolean;
}

/** Messages of a client that can be worked off without a further word of it. */
export interface Step<C extends SessionClient = SessionClient> {
  readonly client: C;
  readonly messages: Uint8Array;
  /** Whether the server says afterwards that it is ready for the next: after a simple query and after Sync. */
  readonly endsExchange: boolean;
  /** The message that made the unnamed statement which this step uses, in case that another client's took its place. */
  readonly unnamedParse?: Uint8Array;
  /** What it does to the unnamed statement; a simple query removes it. */
  readonly unnamed?: "made" | "removed";
}

/** Commands that change the session for whoever uses it next. */
const LEAVES_TRACES = new Set(["SET", "RESET", "LISTEN", "UNLISTEN", "PREPARE", "DECLARE CURSOR", "LOAD"]);
const DROPS_STATEMENTS = new Set(["DISCARD ALL", "DEALLOCATE ALL"]);
/** Commands after which there is nothing new to write down; a SELECT may write, but seldom does. */
const WRITES_NOTHING = new Set(["SELECT", "SHOW", "BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK", "SET", "RESET"]);
/** DISCARD ALL without DEALLOCATE ALL, since prepared statements bear their clients' names. */
const RESET_SESSION = [
  "CLOSE ALL",
  "RESET SESSION AUTHORIZATION",
  "RESET ROLE",
  "RESET ALL",
  "UNLISTEN *",
  "SELECT pg_advisory_unlock_all()",
  "DISCARD PLANS",
  "DISCARD TEMP",
  "DISCARD SEQUENCES",
].join(";");

const SYNC = frontendMessage("S");
/** Nonsense, so that whatever the exchange has done without a Sync is undone by the error. */
const SPOIL_EXCHANGE = Buffer.concat([frontendMessage("P", "", "client has gone", Buffer.alloc(2)), SYNC]);
const ROLLBACK = frontendMessage("Q", "ROLLBACK");
const CHECKPOINT = frontendMessage("Q", "CHECKPOINT");

/**
 * Lets many clients use PGlite's one session. A client keeps it from its first step until it is out of exchange and
 * transaction. What one has set is reset before another's turn, as poolers do it; its prepared statements stay.
 */
export class Session<C extends SessionClient = SessionClient> {
  readonly #engine: Pick<Engine, "run" | "cancel">;
  readonly #onFatal: (reason: string) => void;
  readonly #turns: Turns<C>;
  readonly #clients = new Set<C>();
  /** Whose settings the session has. */
  #settled: C | undefined;
  #unnamedOwner: C | undefined;
  #hasTraces = false;
  #hasWritten = false;

  /** `onFatal`: Postgres has said that it does not go on, or nobody can say how it should. */
  constructor(engine: Pick<Engine, "run" | "cancel">, clock: Clock, onFatal: (reason: string) => void) {
    this.#engine = engine;
    this.#onFatal = onFatal;
    const message = "terminating connection due to idle-in-transaction timeout: others wait for the one session";
    this.#turns = new Turns<C>({
      clock,
      onIdleHolder: (holder) => holder.end({ severity: "FATAL", code: "25P03", message }),
      onError: (error) => onFatal(String(error)),
    });
  }

  /** Whether it is at work, or was a moment ago, or is kept by an open transaction. */
  get isBusy(): boolean {
    return this.#turns.isBusy;
  }

  join(client: C): void {
    this.#clients.add(client);
  }

  submit(step: Step<C>): void {
    const { client, endsExchange } = step;
    this.#turns.add({ client, endsExchange, work: () => this.#take(step) });
  }

  /** A client has gone: its transaction is undone, what it waits for never runs. */
  leave(client: C): void {
    if (!this.#clients.delete(client)) return;
    this.#turns.withdrawAll(client);
    if (this.#turns.isRunning(client)) this.#engine.cancel();
    this.#turns.add({ client, endsExchange: true, work: () => this.#tidyUp(client) });
  }

  /**
   * Ends what a client waits for. A running statement is cancelled, and the server answers it; an exchange that waits
   * for its turn is taken out, and what is returned tells whether all of it had come.
   */
  cancel(client: C): { readonly endsExchange: boolean } | undefined {
    const isRunning = this.#turns.isRunning(client);
    if (isRunning) this.#engine.cancel();
    if (isRunning || this.#turns.holder === client) return undefined;
    return this.#turns.withdrawExchange(client);
  }

  /** Has everything written to the tables' files, in its turn, if there was a write since the last time. */
  checkpoint(): void {
    if (!this.#hasWritten) return;
    this.#hasWritten = false;
    this.#turns.add({ client: undefined, endsExchange: true, work: () => this.#checkpoint() });
  }

  /** Resolves when nothing runs and nobody waits; for when no client is left. */
  rest(): Promise<void> {
    return this.#turns.rest();
  }

  async #take(step: Step<C>): Promise<boolean> {
    const { client } = step;
    if (this.#turns.holder === undefined) await this.#settle(client);
    await this.#restoreUnnamed(step);
    const { isInTransaction, commands } = await this.#run(step.messages, (part) => client.send(part));
    if (step.unnamed !== undefined) this.#unnamedOwner = step.unnamed === "made" ? client : undefined;
    if (!commands.isSubsetOf(WRITES_NOTHING)) this.#hasWritten = true;
    if (!commands.isDisjointFrom(LEAVES_TRACES)) this.#hasTraces = true;
    if (!commands.isDisjointFrom(DROPS_STATEMENTS)) this.#dropStatements(client);
    return isInTransaction || !step.endsExchange;
  }

  async #tidyUp(client: C): Promise<boolean> {
    if (this.#turns.holder === client) {
      this.#unnamedOwner = undefined;
      await this.#run(SPOIL_EXCHANGE);
      const { isInTransaction } = await this.#run(ROLLBACK);
      if (isInTransaction) this.#onFatal("A transaction of a client that has gone cannot be rolled back");
    }
    const messages = client.closeStatements();
    if (messages.length > 0) await this.#run(Buffer.concat([...messages, SYNC]));
    return false;
  }

  async #checkpoint(): Promise<boolean> {
    this.#unnamedOwner = undefined;
    await this.#run(CHECKPOINT);
    return false;
  }

  /** Gives the session this client's settings and nobody else's. */
  async #settle(client: C): Promise<void> {
    if (this.#settled === client) return;
    const isAlike = this.#settled !== undefined && areEqual(this.#settled.settings, client.settings);
    this.#settled = client;
    if (isAlike && !this.#hasTraces) return;
    this.#hasTraces = false;
    this.#unnamedOwner = undefined;
    await this.#run(frontendMessage("Q", RESET_SESSION));
    for (const [name, value] of client.settings) {
      await this.#run(frontendMessage("Q", `SELECT set_config(${literal(name)}, ${literal(value)}, false)`));
    }
  }

  async #restoreUnnamed({ client, unnamedParse }: Step<C>): Promise<void> {
    if (unnamedParse === undefined || this.#unnamedOwner === client) return;
    // Its answer is the client's only if it is an error, which then stands for the step's.
    const parts: Uint8Array[] = [];
    const { hasError } = await this.#run(unnamedParse, (part) => parts.push(part));
    if (hasError) for (const part of parts) client.send(part);
    else this.#unnamedOwner = client;
  }

  async #run(messages: Uint8Array, onPart: (part: Uint8Array) => void = () => {}) {
    const scanner = new ResponseScanner();
    const { isInTransaction } = await this.#engine.run(messages, (part) => {
      scanner.push(part);
      onPart(part);
      if (scanner.fatal !== undefined) this.#onFatal(scanner.fatal);
    });
    return { isInTransaction, commands: scanner.commands, hasError: scanner.hasError };
  }

  /** One client has dropped everybody's prepared statements: the others would find theirs missing. */
  #dropStatements(by: C): void {
    this.#hasTraces = true;
    for (const client of this.#clients) {
      if (!client.forgetStatements() || client === by) continue;
      const message = "terminating connection: another client has dropped the prepared statements of the one session";
      client.end({ severity: "FATAL", code: "57P01", message });
    }
  }
}

function areEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
