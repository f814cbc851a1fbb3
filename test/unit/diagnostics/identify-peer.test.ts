import { expect, test } from "bun:test";
import { identifyPeer } from "../../../src/diagnostics/identify-peer.ts";

const MYSQL = Buffer.concat([Buffer.from([0x4a, 0, 0, 0, 0x0a]), Buffer.from("8.0.36\0")]);

test.each([
  ["SSH-2.0-OpenSSH_9.2p1\r\n", "an SSH server (SSH-2.0-OpenSSH_9.2p1)"],
  ["HTTP/1.1 400 Bad Request\r\nServer: nginx/1.24\r\n\r\n", "an HTTP server (nginx/1.24)"],
  ["HTTP/1.0 404 Not Found\r\n\r\n", "an HTTP server (HTTP/1.0 404 Not Found)"],
  ["<!DOCTYPE html>\n<p>", "an HTTP server (<!DOCTYPE html>)"],
  ["220 mail.example.com ESMTP Postfix\r\n", "a mail server (220 mail.example.com ESMTP Postfix)"],
  ["220 (vsFTPd 3.0.5)\r\n", "an FTP or mail server (220 (vsFTPd 3.0.5))"],
  ["-ERR unknown command\r\n", "a Redis server (-ERR unknown command)"],
  ["hello there\n", 'something that says "hello there"'],
  [Buffer.from([0x15, 3, 1, 0, 2, 2, 0x46]), "a server that speaks TLS from the first byte, such as HTTPS"],
  [MYSQL, "a MySQL or MariaDB server"],
  [Buffer.from([0xc3, 0x28]), "something that sends c3 28"],
  [Buffer.alloc(20, 7), `something that sends ${Array(16).fill("07").join(" ")} …`],
  ["x".repeat(500), `something that says "${"x".repeat(60)}"`],
])("%p is %s", (heard, name) => {
  expect(identifyPeer(Buffer.from(heard as string))).toBe(name);
});
