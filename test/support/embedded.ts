import postgres from "postgres";
import { systemClock } from "../../src/core/clock.ts";
import { systemRandom } from "../../src/core/random.ts";
import { type EmbeddedEvent, EmbeddedPostgres } from "../../src/embedded/supervisor.ts";
import { debyExecutable } from "./executable.ts";
import { makeTempFolder } from "./temp-folder.ts";

export interface StartedEmbedded extends AsyncDisposable {
  readonly server: EmbeddedPostgres;
  readonly events: EmbeddedEvent[];
  /** A client of its own, with one connection unless told otherwise; closed with the server. */
  connect(options?: Record<string, unknown>): postgres.Sql;
}

export interface EmbeddedOptions {
  /** The words that start deby; default: the executable. */
  readonly command?: readonly string[];
}

/** `await using embedded = await startEmbedded()`: the executable's embedded server, under this process's supervision. */
export async function startEmbedded(options: EmbeddedOptions = {}): Promise<StartedEmbedded> {
  const command = options.command ?? [await debyExecutable()];
  const folder = makeTempFolder("embedded");
  const events: EmbeddedEvent[] = [];
  const server = await EmbeddedPostgres.start({
    dataDir: folder.path,
    clock: systemClock,
    random: systemRandom,
    command,
    onEvent: (event) => events.push(event),
  });
  await server.settled;
  const clients: postgres.Sql[] = [];
  return {
    server,
    events,
    connect(more = {}) {
      const { host, port, user, password, database } = server.endpoint;
      const address = { host, port, username: user, password: password.reveal(), database };
      const sql = postgres({ ...address, max: 1, fetch_types: false, onnotice: () => {}, ...more });
      clients.push(sql);
      return sql;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((sql) => sql.end({ timeout: 0 }).catch(() => {})));
      await server.close({ limitMs: 2000 });
      await folder[Symbol.asyncDispose]();
    },
  };
}
