const HEAD_BYTES = 5;
const COMMAND_COMPLETE = "C".charCodeAt(0);
const ERROR_RESPONSE = "E".charCodeAt(0);

/**
 * Picks from a server's answer, whose parts may end anywhere, what the session has to know: the commands that were
 * completed, and whether there was an error. All else is skipped by its length, unread.
 */
export class ResponseScanner {
  /** Tags as the server words them, without numbers: `INSERT`, `DISCARD ALL`. */
  readonly commands = new Set<string>();
  hasError = false;
  /** The message of an error after which the server does not go on. */
  fatal: string | undefined;
  #rest: Buffer = Buffer.alloc(0);
  #skipBytes = 0;

  push(part: Uint8Array): void {
    const chunk = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const skipped = Math.min(this.#skipBytes, bytes.length);
      this.#skipBytes -= skipped;
      bytes = bytes.subarray(skipped);
      if (bytes.length < HEAD_BYTES) break;
      const type = bytes[0];
      const length = 1 + bytes.readUInt32BE(1);
      if (type === COMMAND_COMPLETE || type === ERROR_RESPONSE) {
        if (bytes.length < length) break;
        this.#read(type, bytes.subarray(HEAD_BYTES, length));
      }
      this.#skipBytes = length;
    }
    // A copy: the part's own memory need not outlive it.
    this.#rest = Buffer.from(bytes);
  }

  #read(type: number, body: Buffer): void {
    if (type === COMMAND_COMPLETE) {
      const tag = body.toString("utf8", 0, body.length - 1);
      this.commands.add(tag.replace(/( \d+)+$/, ""));
      return;
    }
    this.hasError = true;
    const fields = body.toString("utf8").split("\0");
    const field = (letter: string) => fields.find((text) => text.startsWith(letter))?.slice(1);
    if (/^(FATAL|PANIC)$/.test(field("V") ?? "")) this.fatal = field("M") ?? "no reason given";
  }
}
