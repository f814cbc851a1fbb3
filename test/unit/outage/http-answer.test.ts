import { expect, test } from "bun:test";
import { type HttpAnswer, HttpAnswerParser } from "../../../src/outage/http-answer.ts";

function parseInPieces(text: string, pieceLength: number): HttpAnswer | undefined {
  const parser = new HttpAnswerParser();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += pieceLength) {
    const answer = parser.push(bytes.subarray(at, at + pieceLength));
    if (answer !== undefined) return answer;
  }
  return undefined;
}

const WITH_LENGTH =
  'HTTP/1.1 201 Created\r\nContent-Length: 14\r\nContent-Type: application/json\r\n\r\n{"id":"ä12"}\n';
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n";

test.each([1, 2, 7, 1_000])("HttpAnswerParser reads answers that come %p bytes at a time", (pieceLength) => {
  expect(parseInPieces(WITH_LENGTH, pieceLength)).toEqual({ status: 201, body: '{"id":"ä12"}\n', keepAlive: true });
  expect(parseInPieces(CHUNKED, pieceLength)).toEqual({ status: 200, body: "abcdefg", keepAlive: true });
});

test("HttpAnswerParser needs no length where there is no body, and heeds Connection: close", () => {
  const answer = parseInPieces("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 1_000);
  expect(answer).toEqual({ status: 204, body: "", keepAlive: false });
});

test("HttpAnswerParser waits for what is missing", () => {
  expect(parseInPieces(WITH_LENGTH.slice(0, -1), 1_000)).toBeUndefined();
  expect(parseInPieces(CHUNKED.slice(0, -1), 1_000)).toBeUndefined();
});

test.each([
  "SSH-2.0-OpenSSH_9\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
])("HttpAnswerParser refuses %j", (text) => {
  expect(() => parseInPieces(text, 1_000)).toThrow();
});
