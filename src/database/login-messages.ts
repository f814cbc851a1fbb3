import { HEAD_BYTES } from "./farewell.ts";
import { notPostgres } from "./tls.ts";
import { READY_FOR_QUERY } from "./transaction-status.ts";

const AUTHENTICATION = 0x52;
/**
 * ErrorResponse, BackendKeyData, NoticeResponse, ParameterStatus, NegotiateProtocolVersion; and NotificationResponse, for a
 * login trigger that listens.
 */
const OTHERS: ReadonlySet<number> = new Set([0x45, 0x4b, 0x4e, 0x53, 0x76, 0x41]);
const SASL_CONTINUE = 11;
/** As OpenSSL takes it. */
const MAX_ITERATIONS = 2 ** 31 - 1;
/** Servers send less than 200 bytes. */
const MAX_AUTHENTICATION_BYTES = 65_536;

/**
 * What a peer says until it lets us in, looked at before the driver sees it: to the driver what is no PostgreSQL is the
 * head of a message that it waits for, and an authentication message that it cannot read is an unhandled rejection.
 * Source: PostgreSQL protocol, start-up and SASL.
 */
export class LoginMessages {
  #pending: Buffer = Buffer.alloc(0);
  /** How much of a message that is not looked into is still to come. */
  #bytesToSkip = 0;
  #isLetIn = false;

  get isLetIn(): boolean {
    return this.#isLetIn;
  }

  /** Throws PROTOCOL. */
  take(chunk: Buffer): void {
    if (this.#isLetIn) return;
    let rest = this.#skip(this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]));
    while (rest.length >= HEAD_BYTES && !this.#isLetIn) {
      const [type] = rest;
      const end = 1 + rest.readUInt32BE(1);
      if (type === AUTHENTICATION) {
        if (end > MAX_AUTHENTICATION_BYTES) throw notPostgres();
        if (end > rest.length) break;
        if (!isReadable(rest.subarray(HEAD_BYTES, end))) throw notPostgres();
      } else if (end < HEAD_BYTES || (type !== READY_FOR_QUERY && !OTHERS.has(type ?? 0))) throw notPostgres();
      this.#isLetIn = type === READY_FOR_QUERY;
      this.#bytesToSkip = end;
      rest = this.#skip(rest);
    }
    this.#pending = rest;
  }

  #skip(bytes: Buffer): Buffer {
    const skipped = Math.min(this.#bytesToSkip, bytes.length);
    this.#bytesToSkip -= skipped;
    return bytes.subarray(skipped);
  }
}

function isReadable(body: Buffer): boolean {
  if (body.length < 4) return false;
  if (body.readUInt32BE(0) !== SASL_CONTINUE) return true;
  const attributes = body.toString("utf8", 4).split(",");
  // As the driver reads them: by the first letter, and the last one counts.
  const attributeOf = (letter: string): string | undefined =>
    attributes.findLast(([first]) => first === letter)?.slice(2);
  const iterations = Number.parseInt(attributeOf("i") ?? "", 10);
  return attributeOf("s") !== undefined && iterations > 0 && iterations <= MAX_ITERATIONS;
}
