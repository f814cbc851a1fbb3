import { expect, test } from "bun:test";
import { LoginMessages } from "../../../src/database/login-messages.ts";

function message(type: string, ...body: readonly (string | number)[]): Buffer {
  const bytes = Buffer.concat(body.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));
  const head = Buffer.alloc(5);
  head.write(type, "latin1");
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
}

const SASL = message("R", 0, 0, 0, 10, "SCRAM-SHA-256\0\0");
const CONTINUE = message("R", 0, 0, 0, 11, "r=abc,s=c2FsdA==,i=4096");
const FINAL = message("R", 0, 0, 0, 12, "v=c2lnbmF0dXJl");
const OK = message("R", 0, 0, 0, 0);
const PARAMETER = message("S", "server_version\0", "18.0\0");
const KEY = message("K", 0, 0, 0, 1, 0, 0, 0, 2);
const NOTICE = message("N", "SNOTICE\0\0");
const NOTIFICATION = message("A", 0, 0, 0, 1, "channel\0\0");
const READY = message("Z", "I");
const LOGIN = Buffer.concat([SASL, CONTINUE, FINAL, OK, NOTICE, PARAMETER, KEY, NOTIFICATION]);

test("a login is taken in pieces of any length, and what comes after it is nobody's business here", () => {
  for (let length = 1; length <= LOGIN.length; length++) {
    const messages = new LoginMessages();
    for (let at = 0; at < LOGIN.length; at += length) messages.take(LOGIN.subarray(at, at + length));
    expect(messages.isLetIn).toBe(false);
    messages.take(READY);
    expect(messages.isLetIn).toBe(true);
    messages.take(message("T", "rows"));
  }
});

test("a refusal is left to the driver, also the one without a length of a server that cannot fork", () => {
  const messages = new LoginMessages();
  messages.take(message("E", "SFATAL\0", "C28P01\0", "Mpassword authentication failed\0\0"));
  messages.take(Buffer.from("Ecould not fork new process for connection: Resource temporarily unavailable\n\0"));
  expect(messages.isLetIn).toBe(false);
});

test.each([
  ["garbage", Buffer.from([0xc3, 0x28, 0x00, 0xff, 0x7f])],
  ["a banner", Buffer.from("220 mail.example.com ESMTP")],
  ["an answer before we are let in", message("T", 0, 0)],
  ["a length that does not count itself", Buffer.from([0x53, 0, 0, 0, 3])],
  ["an authentication request without a kind", message("R", 0, 0)],
  ["one that is longer than any", Buffer.from([0x52, 0, 1, 0, 0])],
  ["a challenge without salt", message("R", 0, 0, 0, 11, "r=abc,i=4096")],
  ["a challenge whose iterations are no number", message("R", 0, 0, 0, 11, "r=abc,s=c2FsdA==,i=many")],
  ["a challenge with more iterations than can be counted", message("R", 0, 0, 0, 11, "s=c2FsdA==,i=4294967296")],
])("%s is no PostgreSQL, at whatever byte it is cut", (_, bytes) => {
  for (let cut = 0; cut < bytes.length; cut++) {
    const messages = new LoginMessages();
    expect(() => {
      messages.take(Buffer.concat([OK, bytes.subarray(0, cut)]));
      messages.take(bytes.subarray(cut));
    }).toThrow(expect.objectContaining({ code: "PROTOCOL" }));
  }
});
