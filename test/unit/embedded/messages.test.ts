import { describe, expect, test } from "bun:test";
import { errorResponse, parameterStatus, readyForQuery } from "../../../src/embedded/backend-messages.ts";
import { FrontendReader, frontendMessage, readPassword } from "../../../src/embedded/frontend-messages.ts";
import { ResponseScanner } from "../../../src/embedded/response-scanner.ts";
import { StatementNames } from "../../../src/embedded/statement-names.ts";

function first(...words: (number | string)[]): Buffer {
  const parts = words.map((word) => {
    if (typeof word === "string") return Buffer.from(`${word}\0`);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(word);
    return bytes;
  });
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + body.length);
  return Buffer.concat([length, body]);
}

function read(...chunks: Buffer[]): FrontendReader {
  const reader = new FrontendReader();
  for (const chunk of chunks) reader.push(chunk);
  return reader;
}

describe("FrontendReader", () => {
  test("reads what a client may say first", () => {
    const startup = first(196_608, "user", "me", "database", "shop", "");
    expect(read(startup).nextFirst()).toEqual({
      type: "startup",
      minorVersion: 0,
      parameters: new Map([
        ["user", "me"],
        ["database", "shop"],
      ]),
    });
    expect(read(first(196_610, "")).nextFirst()).toMatchObject({ type: "startup", minorVersion: 2 });
    expect(read(first(80_877_103)).nextFirst()).toEqual({ type: "encryption" });
    expect(read(first(80_877_102, 7, 0xfedcba98)).nextFirst()).toEqual({ type: "cancel", pid: 7, secret: 0xfedcba98 });
    expect(read(first(131_072)).nextFirst()).toEqual({ type: "unknown" });
  });

  test("puts messages together, however they were cut", () => {
    const bytes = Buffer.concat([frontendMessage("Q", "select 1"), frontendMessage("p", "secret")]);
    const reader = new FrontendReader();
    const types: string[] = [];
    for (const byte of bytes) {
      reader.push(Buffer.of(byte));
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        types.push(message.type);
        if (message.type === "p") expect(readPassword(message)).toBe("secret");
      }
    }
    expect(types).toEqual(["Q", "p"]);
  });

  test.each([first(0).subarray(0, 3), Buffer.alloc(0)])("waits for the rest of %p", (bytes) => {
    expect(read(bytes).nextFirst()).toBeUndefined();
  });

  test("refuses lengths that nobody could mean", () => {
    expect(() => read(Buffer.from("GET / HTTP/1.1\r\n")).nextFirst()).toThrow("Invalid length");
    expect(() => read(Buffer.of(0x51, 0, 0, 0, 3)).next()).toThrow("Invalid length");
  });
});

describe("StatementNames", () => {
  const translate = (names: StatementNames, type: string, ...parts: (string | Uint8Array)[]) =>
    names.translate({ type, bytes: frontendMessage(type, ...parts) });
  const rest = Buffer.of(0, 0);

  test("gives each client's statements names of their own, and leaves the unnamed one and portals alone", () => {
    const names = new StatementNames(7);
    expect(translate(names, "P", "mine", "select 1", rest)).toEqual(frontendMessage("P", "deby7_1", "select 1", rest));
    expect(translate(names, "B", "portal", "mine", rest)).toEqual(frontendMessage("B", "portal", "deby7_1", rest));
    expect(translate(names, "D", Buffer.from("S"), "mine")).toEqual(frontendMessage("D", Buffer.from("S"), "deby7_1"));
    expect(translate(names, "P", "x".repeat(100), "select 2", rest)).toEqual(
      frontendMessage("P", "deby7_2", "select 2", rest),
    );
    for (const [type, ...parts] of [
      ["P", "", "select 1", rest],
      ["B", "mine", "", rest],
      ["D", Buffer.from("P"), "mine"],
      ["Q", "select 1"],
    ] as const) {
      expect(translate(names, type, ...parts)).toEqual(frontendMessage(type, ...parts));
    }
  });

  test("forgets a statement that is closed, and closes all that are left", () => {
    const names = new StatementNames(1);
    translate(names, "P", "a", "select 1", rest);
    translate(names, "P", "b", "select 2", rest);
    translate(names, "C", Buffer.from("S"), "a");
    expect(names.closeAll()).toEqual([frontendMessage("C", Buffer.from("S"), "deby1_2")]);
    expect(names.isEmpty).toBe(true);
  });
});

describe("ResponseScanner", () => {
  test("finds commands and errors in an answer, wherever its parts end", () => {
    const complete = Buffer.from([..."C".split("").map((c) => c.charCodeAt(0)), 0, 0, 0, 15]);
    const answer = Buffer.concat([
      parameterStatus("x", "y".repeat(50)),
      complete,
      Buffer.from("INSERT 0 1\0"),
      errorResponse({ severity: "ERROR", code: "42P01", message: "no such table" }),
      readyForQuery("I"),
    ]);
    for (let size = 1; size <= answer.length; size++) {
      const scanner = new ResponseScanner();
      for (let at = 0; at < answer.length; at += size) scanner.push(answer.subarray(at, at + size));
      expect([...scanner.commands]).toEqual(["INSERT"]);
      expect(scanner).toMatchObject({ hasError: true, fatal: undefined });
    }
  });

  test("tells an error after which the server does not go on", () => {
    const scanner = new ResponseScanner();
    scanner.push(errorResponse({ severity: "FATAL", code: "57P02", message: "out of order" }));
    expect(scanner.fatal).toBe("out of order");
  });
});
