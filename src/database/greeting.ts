import { isIP, type Socket } from "node:net";
import { type PeerCertificate, connect as tlsConnect } from "node:tls";
import type { DatabaseTarget, HostPort } from "../config/types.ts";
import { sleep } from "../core/clock.ts";
import { type WithinOptions, within } from "../core/within.ts";
import { dial } from "./dial.ts";
import { codeOf } from "./sqlstate.ts";
import { askForTls, BYTE_N, BYTE_S, discard, exchange } from "./tls.ts";

/** A server's certificate, whoever signed it. */
export interface Certificate {
  /** The names and addresses that it is for. */
  readonly names: readonly string[];
  readonly issuer: string;
  readonly isSelfSigned: boolean;
  /** Milliseconds since 1970. */
  readonly validUntil: number;
}

/** Who answers at an address, before anything is asked of the database. */
export type Greeting =
  /** PostgreSQL, or a pooler in its place; with its certificate where it offers TLS. */
  | { readonly kind: "postgres"; readonly certificate: Certificate | undefined }
  /** Something else, and the first bytes that it said. */
  | { readonly kind: "other"; readonly heard: Buffer };

/** Part of the time that a peer may keep silent before it is asked in another language. */
const PATIENCE = 0.6;
/** A banner may come in pieces, of which the first can look like a yes. */
const BANNER_MS = 200;
/** Fewer of them say nothing about who has sent them. */
const TELLING_BYTES = 8;
const HTTP_REQUEST = Buffer.from("GET / HTTP/1.0\r\n\r\n");

/**
 * Asks one host for TLS and tells who has answered. A peer that says nothing, or hangs up, is asked in HTTP too.
 * Throws the socket's own error, CONNECTION_CLOSED, or ETIMEDOUT from a peer that stays mute.
 */
export async function greet(target: DatabaseTarget, host: HostPort, options: WithinOptions): Promise<Greeting> {
  const { clock, deadlineAt } = options;
  const plain: DatabaseTarget = { ...target, hosts: [host], sslmode: "disable" };
  const patientUntil = clock.now() + (deadlineAt - clock.now()) * PATIENCE;
  const { socket } = await dial(plain, options);
  let heard: Buffer;
  try {
    heard = await askForTls(socket, { ...options, deadlineAt: patientUntil });
  } catch (error) {
    if (codeOf(error) === "ABORT_ERR") throw error;
    const answer = await askInHttp(plain, options).catch(() => undefined);
    if (answer === undefined) throw error;
    return { kind: "other", heard: answer };
  }
  if (heard.length > 1 || (heard[0] !== BYTE_S && heard[0] !== BYTE_N)) {
    discard(socket);
    const isEnough = heard.length >= TELLING_BYTES;
    return { kind: "other", heard: isEnough ? heard : await overhear(plain, options).catch(() => heard) };
  }
  if (heard[0] === BYTE_N) {
    // No reset, which the server would log.
    socket.destroy();
    return { kind: "postgres", certificate: undefined };
  }
  const certificate = await readCertificate(socket, host.host, options).catch(() => undefined);
  if (certificate !== undefined) return { kind: "postgres", certificate };
  const words = await overhear(plain, options).catch(() => heard);
  return words.length > 1 ? { kind: "other", heard: words } : { kind: "postgres", certificate: undefined };
}

/** Shakes hands without trusting anybody, to see what would have to be trusted. */
async function readCertificate(socket: Socket, host: string, options: WithinOptions): Promise<Certificate> {
  const secured = tlsConnect({ socket, rejectUnauthorized: false, ...(isIP(host) ? {} : { servername: host }) });
  try {
    await within<void>(options, (resolve, reject) => {
      secured.once("secureConnect", resolve);
      secured.once("error", reject);
      secured.once("close", () => reject(new Error("The server closed the connection during the TLS handshake")));
    });
    const certificate = describeCertificate(secured.getPeerCertificate());
    // Politely, or the server would log a failed handshake.
    secured.end();
    return certificate;
  } catch (error) {
    discard(socket);
    throw error;
  } finally {
    secured.on("error", () => {});
  }
}

function describeCertificate({ subject, issuer, subjectaltname, valid_to }: PeerCertificate): Certificate {
  const alternatives = subjectaltname?.split(", ").map((name) => name.replace(/^(?:DNS|IP Address):/, "")) ?? [];
  const common = [subject?.CN ?? []].flat();
  return {
    names: alternatives.length > 0 ? alternatives : common,
    issuer: [issuer?.CN ?? issuer?.O ?? "nobody"].flat().join(" "),
    isSelfSigned: JSON.stringify(subject) === JSON.stringify(issuer),
    validUntil: Date.parse(valid_to),
  };
}

async function askInHttp(plain: DatabaseTarget, options: WithinOptions): Promise<Buffer> {
  const { socket } = await dial(plain, options);
  const answer = await exchange(socket, HTTP_REQUEST, options);
  discard(socket);
  return answer;
}

/** What a peer says in a moment after the request. */
async function overhear(plain: DatabaseTarget, options: WithinOptions): Promise<Buffer> {
  const { socket } = await dial(plain, options);
  const chunks = [await askForTls(socket, options)];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => {});
  await sleep(options.clock, BANNER_MS, options.signal);
  discard(socket);
  return Buffer.concat(chunks);
}
