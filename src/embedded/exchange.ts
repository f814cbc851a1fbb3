import { type FrontendMessage, frontendMessage } from "./frontend-messages.ts";
import type { Step } from "./session.ts";
import { concernsUnnamed, StatementNames } from "./statement-names.ts";

/** PGlite cannot wait for a client's data in the middle of a statement, and would read the end of all input instead. */
const REFUSE_COPY = frontendMessage("f", "the embedded database takes no COPY FROM STDIN");
/** What a client sends for a COPY, and goes on sending for a while after it was refused. */
const COPY_MESSAGES = new Set(["d", "c", "f"]);
const SIMPLE_QUERY = "Q";
const FLUSH = "H";
/** Query, Sync and function call: the server says afterwards that it is ready; Flush: the client waits for answers. */
const ASKS_FOR_WORK = new Set([SIMPLE_QUERY, "S", "F", FLUSH]);

/** Makes the messages of one client into steps, under names of statements that are this client's own. */
export class Exchange {
  readonly #names: StatementNames;
  #pending: FrontendMessage[] = [];
  /** The message that made the unnamed statement. */
  #unnamedParse: Buffer | undefined;

  constructor(clientId: number) {
    this.#names = new StatementNames(clientId);
  }

  /** Takes a message; returns the step once the client waits for it. */
  add(message: FrontendMessage): Omit<Step, "client"> | undefined {
    if (COPY_MESSAGES.has(message.type)) return undefined;
    this.#pending.push(message);
    return ASKS_FOR_WORK.has(message.type) ? this.#finish(message.type) : undefined;
  }

  /** The messages that close the client's prepared statements. */
  closeStatements(): readonly Buffer[] {
    return this.#names.closeAll();
  }

  /** The session has dropped all prepared statements. Returns whether the client had any. */
  forgetStatements(): boolean {
    const hadSome = !this.#names.isEmpty || this.#unnamedParse !== undefined;
    this.#names.forgetAll();
    this.#unnamedParse = undefined;
    return hadSome;
  }

  #finish(lastType: string): Omit<Step, "client"> {
    const messages = this.#pending;
    this.#pending = [];
    const isSimple = lastType === SIMPLE_QUERY;
    const translated = messages.map((message) => this.#names.translate(message));
    // Where there is no COPY it is ignored. It comes before what the client waits for, or behind a simple query.
    translated.splice(isSimple ? translated.length : -1, 0, REFUSE_COPY);

    const isMaking = (message: FrontendMessage) => message.type === "P";
    const concerned = messages.filter(concernsUnnamed);
    const usesEarlier = concerned[0] !== undefined && !isMaking(concerned[0]);
    const unnamedParse = usesEarlier ? this.#unnamedParse : undefined;
    const made = concerned.findLast(isMaking);
    if (made !== undefined || isSimple) this.#unnamedParse = made?.bytes;
    const unnamed = isSimple ? "removed" : made === undefined ? undefined : "made";
    return {
      messages: Buffer.concat(translated),
      endsExchange: lastType !== FLUSH,
      ...(unnamedParse === undefined ? {} : { unnamedParse }),
      ...(unnamed === undefined ? {} : { unnamed }),
    };
  }
}
