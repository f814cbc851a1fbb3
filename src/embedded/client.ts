import type { Socket } from "node:net";
import type { Clock, Timer } from "../core/clock.ts";
import {
  ASK_FOR_PASSWORD,
  AUTHENTICATION_OK,
  type BackendError,
  backendKeyData,
  errorResponse,
  NO_ENCRYPTION,
  negotiateProtocolVersion,
  parameterStatus,
  readyForQuery,
} from "./backend-messages.ts";
import { EMBEDDED_DATABASE, EMBEDDED_USER } from "./child-protocol.ts";
import type { Parameters } from "./engine.ts";
import { Exchange } from "./exchange.ts";
import { type FirstMessage, type FrontendMessage, FrontendReader, readPassword } from "./frontend-messages.ts";
import type { Session, SessionClient } from "./session.ts";

/** As in Postgres, authentication_timeout is a minute; nobody here is far away. */
const LOGIN_LIMIT_MS = 10_000;
const MAX_PASSWORD_BYTES = 10_000;
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

type Startup = Extract<FirstMessage, { type: "startup" }>;

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
  #phase: "first" | "password" | "session" | "over" = "first";
  #startup: Startup | undefined;
  #settings: ReadonlyMap<string, string> = new Map();
  /** What is left of an exchange that was cancelled before its turn. */
  #isSkipping = false;

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

  get id(): number {
    return this.#options.id;
  }

  get secret(): number {
    return this.#options.secret;
  }

  get settings(): ReadonlyMap<string, string> {
    return this.#settings;
  }

  send(part: Uint8Array): void {
    if (this.#phase !== "over") this.#socket.write(part);
  }

  end(error: BackendError): void {
    if (this.#phase === "over") return;
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
    this.send(errorResponse({ severity: "ERROR", code: "57014", message: "canceling statement due to user request" }));
    if (withdrawn.endsExchange) this.send(readyForQuery("I"));
    else this.#isSkipping = true;
  }

  #hear(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
      while (this.#hearOne());
    } catch (error) {
      this.end({ severity: "FATAL", code: "08P01", message: (error as Error).message });
    }
  }

  /** Returns whether there was a whole message. */
  #hearOne(): boolean {
    switch (this.#phase) {
      case "first": {
        const message = this.#reader.nextFirst();
        if (message !== undefined) this.#greet(message);
        return message !== undefined;
      }
      case "password": {
        const message = this.#reader.next(MAX_PASSWORD_BYTES);
        if (message !== undefined) this.#authenticate(message);
        return message !== undefined;
      }
      case "session": {
        const message = this.#reader.next();
        if (message !== undefined) this.#converse(message);
        return message !== undefined;
      }
      case "over":
        return false;
      default:
        return this.#phase satisfies never;
    }
  }

  #greet(message: FirstMessage): void {
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
        this.#startup = message;
        this.#phase = "password";
        this.send(ASK_FOR_PASSWORD);
        break;
      case "unknown":
        this.end({ severity: "FATAL", code: "0A000", message: "unsupported frontend protocol" });
        break;
      default:
        message satisfies never;
    }
  }

  #authenticate(message: FrontendMessage): void {
    const wanted = this.#startup?.parameters ?? new Map<string, string>();
    const user = wanted.get("user") ?? "";
    const database = wanted.get("database") ?? user;
    if (message.type !== "p" || user !== EMBEDDED_USER || !this.#options.isPassword(readPassword(message))) {
      const message = `password authentication failed for user "${user}"`;
      this.end({ severity: "FATAL", code: "28P01", message });
      return;
    }
    if (database !== EMBEDDED_DATABASE) {
      this.end({ severity: "FATAL", code: "3D000", message: `database "${database}" does not exist` });
      return;
    }
    this.#welcome();
  }

  #welcome(): void {
    const { minorVersion = 0, parameters: wanted = new Map<string, string>() } = this.#startup ?? {};
    const { id, secret, session, parameters } = this.#options;
    this.#loginTimer.cancel();
    this.#phase = "session";
    this.#settings = new Map([...wanted].filter(([name]) => isSetting(name)));
    const extensions = [...wanted.keys()].filter((name) => name.startsWith("_pq_."));
    if (minorVersion > 0 || extensions.length > 0) this.send(negotiateProtocolVersion(extensions));
    this.send(AUTHENTICATION_OK);
    for (const [name, value] of Object.entries(parameters)) {
      this.send(parameterStatus(name, this.#settings.get(name) ?? value));
    }
    this.send(backendKeyData(id, secret));
    this.send(readyForQuery("I"));
    session.join(this);
  }

  #converse(message: FrontendMessage): void {
    const { type } = message;
    if (type === "X") {
      this.#socket.end();
      this.#leave();
      return;
    }
    if (this.#isSkipping) {
      if (type !== "S") return;
      this.#isSkipping = false;
      this.send(readyForQuery("I"));
      return;
    }
    const step = this.#exchange.add(message);
    if (step !== undefined) this.#options.session.submit({ ...step, client: this });
  }

  #leave(): void {
    this.#phase = "over";
    this.#loginTimer.cancel();
    this.#options.session.leave(this);
  }
}

/** Whether a word of the start of a session is a setting like `TimeZone`, and none of those that say who comes. */
function isSetting(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.]*$/.test(name) && !/^(user|database|replication|options|_pq_\..*)$/.test(name);
}
