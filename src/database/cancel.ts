import type { DatabaseTarget } from "../config/types.ts";
import { within } from "../core/within.ts";
import { type DialOptions, dial } from "./dial.ts";
import { discard } from "./tls.ts";

/** What the server gave at the start of a session so that its statements can be cancelled from elsewhere. */
export interface BackendKey {
  readonly pid: number;
  readonly secret: number;
}

/** Source: PostgreSQL protocol, CancelRequest. */
const CANCEL_REQUEST_CODE = 80877102;

/**
 * Asks the server to end what a session does, which it would otherwise go on with after we have hung up: it notices a
 * reset only when it wants to answer. The key is the session's own, so that nobody else's statement can be hit.
 * Resolves when the server has taken note; rejects like `dial`.
 */
export async function requestCancel(target: DatabaseTarget, key: BackendKey, options: DialOptions): Promise<void> {
  const message = Buffer.alloc(16);
  message.writeUInt32BE(16, 0);
  message.writeUInt32BE(CANCEL_REQUEST_CODE, 4);
  message.writeUInt32BE(key.pid, 8);
  message.writeUInt32BE(key.secret, 12);
  const { socket } = await dial(target, options);
  try {
    await within<void>(options, (resolve, reject) => {
      socket.once("close", () => resolve());
      socket.once("error", reject);
      socket.resume();
      socket.write(message);
    });
  } finally {
    discard(socket);
  }
}
