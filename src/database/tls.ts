import { existsSync, readFileSync } from "node:fs";
import { isIP, type Socket } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as tlsConnect } from "node:tls";
import type { DatabaseTarget, SslMode } from "../config/types.ts";
import { codedError, type WithinOptions, within } from "../core/within.ts";

export interface TlsOptions extends WithinOptions {
  readonly target: DatabaseTarget;
  /** The name that the certificate must carry under verify-full. */
  readonly host: string;
}

/** Length 8, code 80877103. Source: PostgreSQL protocol, SSLRequest. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
export const BYTE_S = 0x53;
export const BYTE_N = 0x4e;

/** Unix sockets carry no TLS; `allow` tries plain first, and a server that insists is told by its refusal. */
export function wantsTls(sslmode: SslMode, host: string): boolean {
  return !host.startsWith("/") && sslmode !== "disable" && sslmode !== "allow";
}

/**
 * Asks the server for TLS on an open socket. Gives the encrypted socket, the plain one where `prefer` allows it, or
 * `failed` where `prefer` wants a new, plain connection.
 *
 * Throws errors with `code` TLS_REFUSED, TLS_FAILED, PROTOCOL or ETIMEDOUT.
 */
export async function upgradeToTls(
  socket: Socket,
  options: TlsOptions,
): Promise<{ socket: Socket; isEncrypted: boolean } | "failed"> {
  const { sslmode } = options.target;
  const reply = await askForTls(socket, options);
  // More than one byte before the handshake is either no PostgreSQL (an SSH banner begins with S) or an attack on
  // what follows in the clear.
  if (reply.length !== 1 || (reply[0] !== BYTE_S && reply[0] !== BYTE_N)) {
    discard(socket);
    throw notPostgres();
  }
  if (reply[0] === BYTE_N) {
    if (sslmode === "prefer") return { socket, isEncrypted: false };
    discard(socket);
    throw codedError("TLS_REFUSED", `The server does not offer TLS, but sslmode=${sslmode} asks for it`);
  }
  try {
    return { socket: await handshake(socket, options), isEncrypted: true };
  } catch (error) {
    discard(socket);
    if (sslmode === "prefer") return "failed";
    const cause = error as Error & { code?: string };
    if (cause.code === "ETIMEDOUT" || cause.code === "ECONNRESET") throw cause;
    throw codedError(
      "TLS_FAILED",
      `The TLS handshake failed: ${cause.code ?? ""} ${cause.message}`.replace("  ", " "),
      cause,
    );
  }
}

function handshake(socket: Socket, options: TlsOptions): Promise<Socket> {
  return within(options, (resolve, reject) => {
    const secured = tlsConnect({ socket, ...verification(options.target, options.host) });
    secured.once("secureConnect", () => {
      secured.removeListener("error", reject);
      resolve(secured);
    });
    secured.once("error", reject);
    secured.once("close", () =>
      reject(codedError("ECONNRESET", "The server closed the connection during the TLS handshake")),
    );
  });
}

/** Whether the server has to prove who it is, as libpq does: require with a root certificate means verify-ca. */
export function verifiesServer({ sslmode, sslRootCert = defaultRootCert() }: DatabaseTarget): boolean {
  return sslmode.startsWith("verify-") || (sslmode === "require" && sslRootCert !== undefined);
}

/** What is checked of the certificate. */
function verification(target: DatabaseTarget, host: string): ConnectionOptions {
  const servername = isIP(host) ? {} : { servername: host };
  const rootCert = target.sslRootCert ?? defaultRootCert();
  if (!verifiesServer(target)) return { ...servername, rejectUnauthorized: false };
  const ca = rootCert === undefined || rootCert === "system" ? {} : { ca: readFileSync(rootCert) };
  const anyName = target.sslmode === "verify-full" ? {} : { checkServerIdentity: () => undefined };
  return { ...servername, ...ca, ...anyName, host, rejectUnauthorized: true };
}

function defaultRootCert(): string | undefined {
  const path = join(homedir(), ".postgresql", "root.crt");
  return existsSync(path) ? path : undefined;
}

/** What is thrown at a peer that says something that PostgreSQL does not. */
export function notPostgres(): Error & { code: string } {
  return codedError("PROTOCOL", "The peer does not answer like PostgreSQL");
}

/** What a peer answers when it is asked for TLS; throws the socket's own error, CONNECTION_CLOSED or ETIMEDOUT. */
export function askForTls(socket: Socket, options: WithinOptions): Promise<Buffer> {
  return exchange(socket, SSL_REQUEST, options);
}

/** Sends a request and waits for the first bytes of an answer; throws like `askForTls`. */
export async function exchange(socket: Socket, request: Buffer, options: WithinOptions): Promise<Buffer> {
  const leave = () => {
    for (const event of ["data", "error", "close"]) socket.removeAllListeners(event);
  };
  try {
    const reply = await within<Buffer>(options, (resolve, reject) => {
      socket.once("data", resolve);
      socket.once("error", reject);
      socket.once("close", () => reject(codedError("CONNECTION_CLOSED", "The server hung up when asked for TLS")));
      socket.write(request);
    });
    leave();
    return reply;
  } catch (error) {
    leave();
    discard(socket);
    throw error;
  }
}

/** Resets a socket that nobody listens to any more; a later error of it is nobody's business. */
export function discard(socket: Socket): void {
  socket.on("error", () => {});
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
