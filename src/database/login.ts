import { Socket } from "node:net";
import postgres from "postgres";
import type { DatabaseTarget, HostPort, PoolSettings } from "../config/types.ts";
import { codedError, within } from "../core/within.ts";
import { withoutVariables } from "../core/without-variables.ts";
import { arrayTypes } from "./array-types.ts";
import { BACKEND_COLUMNS, type Backend, type BackendRow, backendOf } from "./backend.ts";
import type { BackendKey } from "./cancel.ts";
import { type DialOptions, dial } from "./dial.ts";
import type { ServerFacts } from "./events.ts";
import { parseFarewell } from "./farewell.ts";
import { LoginMessages } from "./login-messages.ts";
import { saslPrep } from "./saslprep.ts";
import { codeOf } from "./sqlstate.ts";
import { discard } from "./tls.ts";

/** The deadline is the moment by which dial, handshake and first answer must be done. */
export interface LoginOptions extends DialOptions {
  readonly applicationName: string;
  /** Named prepared statements; `auto`: not behind a pooler, which may change the server under a session. */
  readonly prepare: PoolSettings["prepare"];
}

/** A session that was proven by an answered query: the driver's instance, its socket, and what the server told. */
export interface Session {
  readonly sql: postgres.Sql;
  readonly socket: Socket;
  readonly facts: ServerFacts;
  readonly hostPort: HostPort;
  readonly key: BackendKey;
  readonly backend: Backend;
}

const PROOF = `select current_setting('server_version') as version, pg_is_in_recovery() as "isStandby",
  current_setting('transaction_read_only')::bool as "isReadOnly", ${BACKEND_COLUMNS}`;

type ProofRow = { version: string; isStandby: boolean; isReadOnly: boolean } & BackendRow;
type Proof = readonly ProofRow[] & { readonly state: BackendKey };

/** Dials, authenticates and has one query answered. Throws the socket's, the server's or the driver's own error. */
export async function login(target: DatabaseTarget, options: LoginOptions): Promise<Session> {
  const { clock } = options;
  const startedAt = clock.now();
  const { socket, address, hostPort } = await dial(target, options);
  try {
    const sql = instanceOver(socket, target, options);
    const proof = await prove(sql, socket, options);
    const [row] = proof;
    if (row === undefined) throw codedError("PROTOCOL", "The server answered no row");
    const { isStandby, isReadOnly } = row;
    // Distributions add their own words behind the number.
    const version = row.version.split(" ")[0] ?? row.version;
    const backend = backendOf(row, proof.state.pid);
    if (options.prepare === "auto" && !backend.isDirect) nameNoStatements(sql);
    const facts = { version, isStandby, isReadOnly, connectMs: clock.now() - startedAt, address };
    return { sql, socket, facts, hostPort, key: proof.state, backend };
  } catch (error) {
    discard(socket);
    throw error;
  }
}

/** A postgres.js instance that can connect once, over this socket; a second connect gets a socket that dies. */
function instanceOver(socket: Socket, target: DatabaseTarget, options: LoginOptions): postgres.Sql {
  let isTaken = false;
  const settings = {
    host: "deby",
    port: 0,
    database: target.database,
    username: target.user,
    pass: saslPrep(target.password?.reveal() ?? ""),
    max: 1,
    // One statement at a time: with pipelining a statement issued between 'error' and 'close' never settles.
    max_pipeline: 0,
    fetch_types: false,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: 0,
    prepare: options.prepare !== "off",
    ssl: false,
    types: arrayTypes,
    connection: { application_name: options.applicationName },
    onnotice: () => {},
    socket: () => {
      if (isTaken) return dyingSocket();
      isTaken = true;
      return socket;
    },
  };
  // What it is not told the driver takes from the environment, even a password that is another server's. Its types do
  // not know `socket`, `max_pipeline` and `pass`.
  const own = settings as unknown as postgres.Options<Record<string, never>>;
  const sql = withoutVariables(/^PG/, () => postgres(own)) as unknown as postgres.Sql;
  guardSerializers(sql);
  return sql;
}

/**
 * What a value's own code throws while it is written down comes out as an error of nobody else's: the driver adds to
 * the errors it meets, and reads the same message again without end where it cannot, as on a frozen object; and one
 * with a socket's code would be taken for a lost connection. Types that have no serializer are written as the string
 * that the value makes of itself.
 */
function guardSerializers({ options: { serializers } }: postgres.Sql): void {
  for (const [type, serialize] of Object.entries(serializers)) serializers[Number(type)] = guarded(serialize);
  Object.setPrototypeOf(serializers, new Proxy({}, { has: () => true, get: () => asText }));
}

function guarded(serialize: (value: unknown) => unknown): (value: unknown) => unknown {
  return (value) => {
    try {
      return serialize(value);
    } catch (cause) {
      throw new Error(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  };
}

// biome-ignore lint/style/useTemplate: as the driver does it, what the value's valueOf says comes first
const asText = guarded((value) => "" + value);

/** The driver looks at this setting of its instance anew for each statement; the proof was none that it could name. */
function nameNoStatements({ options }: postgres.Sql): void {
  Object.assign(options, { prepare: false });
}

function dyingSocket(): Socket {
  const socket = new Socket();
  setImmediate(() => socket.destroy(codedError("CONNECTION_ENDED", "This connection is used once")));
  return socket;
}

/** The first query, with our own ear on the socket: the driver does not settle in every case, nor say why. */
async function prove(sql: postgres.Sql, socket: Socket, options: LoginOptions): Promise<Proof> {
  let lastChunk: Buffer | undefined;
  const messages = new LoginMessages();
  const stopHearing = hearFirst(socket, (chunk) => {
    lastChunk = chunk;
    messages.take(chunk);
  });
  try {
    return await within<Proof>(options, (resolve, reject) => {
      socket.once("close", () => {
        const farewell = parseFarewell(lastChunk);
        const closed = codedError("CONNECTION_CLOSED", "The server accepted and closed the connection");
        reject(farewell === undefined ? closed : Object.assign(new Error(farewell.message), farewell));
      });
      socket.once("error", reject);
      // The driver hangs the backend's key on every result, unknown to its types.
      sql
        .unsafe<ProofRow[]>(PROOF)
        .simple()
        .then((rows) => resolve(rows as unknown as Proof), reject);
    });
  } catch (error) {
    if (!messages.isLetIn || codeOf(error) !== "ETIMEDOUT") throw error;
    throw codedError("UNANSWERED", "The server let us in, but did not answer in time");
  } finally {
    stopHearing();
  }
}

/** What `hear` throws ends the socket, and the driver does not see that chunk: a listener could not keep it away. */
function hearFirst(socket: Socket, hear: (chunk: Buffer) => void): () => void {
  const emit: (event: string, ...args: unknown[]) => boolean = socket.emit;
  const withEar = (event: string, ...args: unknown[]): boolean => {
    try {
      if (event === "data") hear(args[0] as Buffer);
    } catch (error) {
      socket.destroy(error as Error);
      return true;
    }
    return emit.call(socket, event, ...args);
  };
  socket.emit = withEar;
  return () => {
    // Not by deleting it, which would make the socket slower for good.
    socket.emit = emit;
  };
}
