import type { Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.ts";
import {
  ASK_FOR_PASSWORD,
  type BackendError,
  errorResponse,
  NO_ENCRYPTION,
  readyForQuery,
} from "./backend-messages.ts";
import type { Parameters } from "./engine.ts";
import { Exchange } from "./exchange.ts";
import { type FirstMessage, type FrontendMessage, FrontendReader } from "./frontend-messages.ts";
import { greetingFor, refusalOf, type Startup, settingsOf } from "./login.ts";
import type { Session, SessionClient } from "./session.ts";

/** As in Postgres, authentication_timeout is a minute; nobody here is far away. */
const LOGIN_LIMIT_MS = 10_000;
const MAX_PASSWORD_BYTES = 10_000;
const TERMINATE = "X";
const SYNC = "S";

export interface ClientOptions {
  readonly id: number;
  /** With the id, what a request to cancel must show. */
  readonly secret: number;
  readonly clock: Clock;
  readonly session: Session<Client>;
  readonly parameters: Parameters;
  readonly isPassword: (text: string) => boolean;
  /** Somebody asks to cancel what another client does. */
  readonly onCancel: (id: number, secret: number) => void;
}

/** How far a client has come. */
type Phase =
  | { readonly name: "first" }
  | { readonly name: "password"; readonly startup: Startup }
  | { readonly name: "session" }
  /** What is left of an exchange that was cancelled before its turn is skipped. */
  | { readonly name: "skipping" }
  | { readonly name: "over" };

/**
 * One connection: whoever it is is let in here, on the main thread and therefore at once, and its messages are made
 * into steps for the one session.
 */
export class Client implements SessionClient {
  readonly #socket: Socket;
  readonly #options: ClientOptions;
  readonly #reader = new FrontendReader();
  readonly #exchange: Exchange;
  readonly #loginTimer: Timer;
  #phase: Phase = { name: "first" };
  #settings: ReadonlyMap<string, string> = new Map();

  constructor(socket: Socket, options: ClientOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#exchange = new Exchange(options.id);
    this.#loginTimer = options.clock.after(LOGIN_LIMIT_MS, () => socket.destroy());
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.on("close", () => this.#leave());
    socket.on("data", (chunk: Buffer) => this.#hear(chunk));
  }

  get secret(): number {
    return this.#options.secret;
  }

  get settings(): ReadonlyMap<string, string> {
    return this.#settings;
  }

  send(part: Uint8Array): void {
    if (this.#phase.name !== "over") this.#socket.write(part);
  }

  end(error: BackendError): void {
    if (this.#phase.name === "over") return;
    this.#socket.end(errorResponse(error));
    this.#leave();
  }

  closeStatements(): readonly Buffer[] {
    return this.#exchange.closeStatements();
  }

  forgetStatements(): boolean {
    return this.#exchange.forgetStatements();
  }

  /** Ends what it waits for, on request. */
  cancel(): void {
    const withdrawn = this.#options.session.cancel(this);
    if (withdrawn === undefined) return;
    const message = "canceling statement due to user request";
    this.send(errorResponse({ severity: "ERROR", code: "57014", message }));
    if (withdrawn.endsExchange) this.send(readyForQuery("I"));
    else this.#phase = { name: "skipping" };
  }

  #hear(chunk: Buffer): void {
    if (this.#phase.name === "over") return;
    try {
      this.#reader.push(chunk);
      while (this.#hearOne());
    } catch (error) {
      this.end({ severity: "FATAL", code: "08P01", message: (error as Error).message });
    }
  }

  /** Returns whether there was a whole message. */
  #hearOne(): boolean {
    const phase = this.#phase;
    switch (phase.name) {
      case "first": {
        const message = this.#reader.nextFirst();
        if (message !== undefined) this.#receive(message);
        return message !== undefined;
      }
      case "password": {
        const message = this.#reader.next(MAX_PASSWORD_BYTES);
        if (message !== undefined) this.#authenticate(phase.startup, message);
        return message !== undefined;
      }
      case "session":
      case "skipping": {
        const message = this.#reader.next();
        if (message !== undefined) this.#converse(message);
        return message !== undefined;
      }
      case "over":
        return false;
      default:
        return phase satisfies never;
    }
  }

  #receive(message: FirstMessage): void {
    switch (message.type) {
      case "encryption":
        this.send(NO_ENCRYPTION);
        break;
      case "cancel":
        this.#options.onCancel(message.pid, message.secret);
        this.#socket.end();
        this.#leave();
        break;
      case "startup":
        this.#phase = { name: "password", startup: message };
        this.send(ASK_FOR_PASSWORD);
        break;
      case "unknown":
        this.end({ severity: "FATAL", code: "0A000", message: "unsupported frontend protocol" });
        break;
      default:
        message satisfies never;
    }
  }

  #authenticate(startup: Startup, answer: FrontendMessage): void {
    const { isPassword, session } = this.#options;
    const refusal = refusalOf(startup, answer, isPassword);
    if (refusal !== undefined) {
      this.end(refusal);
      return;
    }
    this.#loginTimer.cancel();
    this.#phase = { name: "session" };
    this.#settings = settingsOf(startup);
    this.send(greetingFor(startup, this.#options));
    session.join(this);
  }

  #converse(message: FrontendMessage): void {
    if (message.type === TERMINATE) {
      this.#socket.end();
      this.#leave();
    } else if (this.#phase.name === "skipping") {
      if (message.type !== SYNC) return;
      this.#phase = { name: "session" };
      this.send(readyForQuery("I"));
    } else {
      const step = this.#exchange.add(message);
      if (step !== undefined) this.#options.session.submit({ ...step, client: this });
    }
  }

  #leave(): void {
    this.#phase = { name: "over" };
    this.#loginTimer.cancel();
    this.#options.session.leave(this);
  }
}
