import { type FrontendMessage, frontendMessage } from "./frontend-messages.ts";

const HEAD_BYTES = 5;
const STATEMENT = "S";

/**
 * Gives a client's prepared statements names of their own, since all clients share one session: two that name theirs
 * alike would run each other's. The unnamed statement keeps its name, see `Session`.
 */
export class StatementNames {
  readonly #prefix: string;
  readonly #names = new Map<string, string>();
  #count = 0;

  constructor(clientId: number) {
    this.#prefix = `deby${clientId}_`;
  }

  /** The same message with the session's name in place of the client's. */
  translate(message: FrontendMessage): Buffer {
    const { type, bytes } = message;
    switch (type) {
      case "P": {
        const [name, rest] = cut(bytes, HEAD_BYTES);
        return name === "" ? bytes : frontendMessage(type, this.#nameFor(name), rest);
      }
      case "B": {
        const [portal, behindPortal] = cut(bytes, HEAD_BYTES);
        const [name, rest] = cut(behindPortal, 0);
        return name === "" ? bytes : frontendMessage(type, portal, this.#nameFor(name), rest);
      }
      case "D":
      case "C": {
        const kind = bytes.subarray(HEAD_BYTES, HEAD_BYTES + 1);
        const [name] = cut(bytes, HEAD_BYTES + 1);
        if (kind.toString() !== STATEMENT || name === "") return bytes;
        const translated = frontendMessage(type, kind, this.#nameFor(name));
        if (type === "C") this.#names.delete(name);
        return translated;
      }
      default:
        return bytes;
    }
  }

  get isEmpty(): boolean {
    return this.#names.size === 0;
  }

  /** The messages that close all of them; none is known afterwards. */
  closeAll(): Buffer[] {
    const messages = [...this.#names.values()].map((name) => frontendMessage("C", Buffer.from(STATEMENT), name));
    this.forgetAll();
    return messages;
  }

  /** For when the session has dropped them by itself. */
  forgetAll(): void {
    this.#names.clear();
  }

  /** Short, whatever the client's is: Postgres cuts names at 63 bytes. */
  #nameFor(name: string): string {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#count += 1;
    const made = `${this.#prefix}${this.#count}`;
    this.#names.set(name, made);
    return made;
  }
}

/** The text at `start` that a zero byte ends, and what follows. */
function cut(bytes: Buffer, start: number): [text: string, rest: Buffer] {
  const end = bytes.indexOf(0, start);
  if (end === -1) throw new Error("A name in a message has no end");
  return [bytes.toString("utf8", start, end), bytes.subarray(end + 1)];
}

/** Whether a message refers to the unnamed statement: `P` makes it, `B` and `D` use it. */
export function concernsUnnamed({ type, bytes }: FrontendMessage): boolean {
  if (type === "P") return bytes[HEAD_BYTES] === 0;
  if (type === "B") return cut(bytes, HEAD_BYTES)[1][0] === 0;
  return type === "D" && String.fromCharCode(bytes[HEAD_BYTES] ?? 0) === STATEMENT && bytes[HEAD_BYTES + 1] === 0;
}
