import { freePort } from "./ports.ts";
import { type PostgresVersion, postgresBinaries } from "./postgres-binaries.ts";
import { PostgresServer, type ServerConfiguration } from "./postgres-server.ts";
import { postgresTemplate, TEMPLATE_PASSWORD } from "./postgres-template.ts";
import { postgresUser } from "./postgres-user.ts";
import { runCommand } from "./run-command.ts";
import { makeTempFolder } from "./temp-folder.ts";

export type { PostgresServer } from "./postgres-server.ts";

export interface PostgresOptions extends ServerConfiguration {
  /** Default 18, which is there on every machine. */
  readonly version?: PostgresVersion;
  /** Of the user `postgres`. */
  readonly password?: string;
  /** Default: a free one. */
  readonly port?: number;
}

const DEFAULT_SETTINGS = {
  listen_addresses: "127.0.0.1",
  timezone: "UTC",
  log_timezone: "UTC",
  // The tests kill processes, not machines: what a process wrote is in the kernel's hands, so nothing needs the disk.
  fsync: "off",
  // Files of the data folder, so that a killed server leaves nothing in /dev/shm.
  dynamic_shared_memory_type: "mmap",
  // Tests run side by side on small machines.
  shared_buffers: "32MB",
} as const;

const DEFAULT_HBA = ["host all all all scram-sha-256", "local all all scram-sha-256"].join("\n");

/** A real server of a test's own: `await using server = await startPostgres()`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const version = options.version ?? 18;
  const runAs = postgresUser();
  const [bin, template] = await Promise.all([postgresBinaries(version), postgresTemplate(version)]);
  const folder = makeTempFolder(`pg${version}`, { owner: runAs, inMemory: true });
  const server = new PostgresServer({ folder, bin, runAs, password: options.password ?? TEMPLATE_PASSWORD });
  try {
    await runCommand(["cp", "-a", template, server.dataDir]);
    server.configure({ hba: DEFAULT_HBA, ...options, settings: { ...DEFAULT_SETTINGS, ...options.settings } });
    await startOnFreePort(server, options.port);
    if (server.password !== TEMPLATE_PASSWORD) {
      await server.psql(`ALTER ROLE postgres PASSWORD '${server.password.replaceAll("'", "''")}'`);
    }
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function startOnFreePort(server: PostgresServer, wanted: number | undefined): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    server.configure({ settings: { port: String(wanted ?? (await freePort())) } });
    try {
      return await server.start();
    } catch (error) {
      const isTaken = (error as Error).message.includes("Address already in use");
      if (wanted !== undefined || !isTaken || attempt === 5) throw error;
    }
  }
}
