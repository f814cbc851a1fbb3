import { parentPort } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { readAsset } from "../core/read-asset.ts";
import { ASSETS } from "./assets.ts";
import { EMBEDDED_DATABASE, EMBEDDED_USER } from "./child-protocol.ts";
import { ensureDataFolder } from "./ensure-data-folder.ts";
import { cancelFlagsOf, shareMemoryOfThisThread } from "./shared-memory.ts";
import { withSharedMemory } from "./wasm-memory.ts";
import type { FromWorker, ToWorker } from "./worker-protocol.ts";

// The thread that PGlite has for itself: while a statement runs, nothing else happens here.

/** Parts of an answer are sent on when there is so much of them. */
const PART_BYTES = 64 * 1024;
/** PGlite's way of saying that Postgres has jumped back to its main loop, after an error of a statement. */
const MAIN_LOOP_JUMP = 100;
const LAST_WORDS_KEPT = 5;

const SETTINGS = [
  // Postgres is to say that the stack is too deep before it is used up, which is the end of it: at 300 kB it may be.
  "max_stack_depth=200kB",
  // Half of what is usual: PGlite's memory need not grow for it, and the process takes 80 MB less.
  "shared_buffers=64MB",
];

/** Source: PostgreSQL protocol, Asynchronous Operations: what a server reports. */
const REPORTED = [
  "application_name",
  "client_encoding",
  "DateStyle",
  "default_transaction_read_only",
  "in_hot_standby",
  "integer_datetimes",
  "IntervalStyle",
  "is_superuser",
  "scram_iterations",
  "search_path",
  "server_encoding",
  "server_version",
  "session_authorization",
  "standard_conforming_strings",
  "TimeZone",
] as const;

let db: PGlite | undefined;
/** What Postgres wrote to its log, in case that it ends there. */
const lastWords: string[] = [];

parentPort?.on("message", (message: ToWorker) => {
  act(message).catch((error) => {
    const words = lastWords.length === 0 ? "" : `; its log ends with: ${lastWords.join(" | ")}`;
    say({ type: "failed", reason: `${describe(error)}${words}` });
  });
});

async function act(message: ToWorker): Promise<void> {
  switch (message.type) {
    case "open":
      return open(message.dataFolder);
    case "run":
      return run(message.messages);
    case "close":
      await db?.close();
      return say({ type: "closed" });
    default:
      return message satisfies never;
  }
}

async function open(dataFolder: string): Promise<void> {
  const [wasm, data] = await Promise.all([readAsset(ASSETS.pgliteWasm), readAsset(ASSETS.pgliteData)]);
  const fsBundle = new Blob([data]);
  // Compiled by threads of its own, while this one writes files.
  const compiling = WebAssembly.compile(withSharedMemory(wasm) ?? wasm);
  await ensureDataFolder(dataFolder, { wasm, fsBundle });
  const memory = shareMemoryOfThisThread();
  const pgliteWasmModule = await compiling;
  db = await PGlite.create({
    dataDir: dataFolder,
    database: EMBEDDED_DATABASE,
    pgliteWasmModule,
    fsBundle,
    startParams: [...PGlite.defaultStartParams, ...SETTINGS.flatMap((setting) => ["-c", setting])],
    onStderr: listen,
  });
  watchMainLoop(db);
  const parameters = await readParameters(db);
  lastWords.length = 0;
  say({ type: "opened", parameters, cancelFlags: cancelFlagsOf(db, memory()) });
}

function listen(line: string): boolean {
  // An error of a statement is its client's matter, and its text may hold data.
  if (/ (ERROR|STATEMENT|CONTEXT|DETAIL|HINT|QUERY): /.test(line)) return false;
  lastWords.push(line);
  if (lastWords.length > LAST_WORDS_KEPT) lastWords.shift();
  return false;
}

/**
 * PGlite swallows whatever its main loop throws and goes on, for ever if need be. Only the jump after a statement's
 * error is harmless; anything else (the memory or the stack is used up, Postgres has ended itself) leaves a heap that
 * nobody should write to disk from. So this thread stops for good, and the main thread ends the process.
 */
function watchMainLoop({ Module }: PGlite): void {
  const runOnce = Module._PostgresMainLoopOnce;
  Module._PostgresMainLoopOnce = () => {
    try {
      runOnce();
    } catch (error) {
      if ((error as { status?: unknown } | null)?.status === MAIN_LOOP_JUMP) throw error;
      say({ type: "failed", reason: describe(error) });
      stopForGood();
    }
  };
}

function stopForGood(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0);
}

async function readParameters(from: PGlite): Promise<Record<string, string>> {
  const settings = REPORTED.map((name) => `current_setting('${name}', true) AS "${name}"`);
  const { rows } = await from.query<Record<string, string | null>>(`SELECT ${settings.join(", ")}`);
  const known = Object.entries(rows[0] ?? {}).filter((pair): pair is [string, string] => pair[1] !== null);
  // PGlite's session belongs to nobody in particular.
  return { ...Object.fromEntries(known), session_authorization: EMBEDDED_USER };
}

async function run(messages: Uint8Array): Promise<void> {
  if (db === undefined) throw new Error("The database is not open");
  let parts: Uint8Array[] = [];
  let size = 0;
  const flush = (): void => {
    if (size > 0) say({ type: "data", bytes: Buffer.concat(parts) });
    parts = [];
    size = 0;
  };
  await db.execProtocolRawStream(messages, {
    // Every write goes to the files at once; there is no copy of them that would have to be brought up to date.
    syncToFs: false,
    onRawData(part) {
      // A view of PGlite's memory, which changes under it.
      parts.push(part.slice());
      size += part.length;
      if (size >= PART_BYTES) flush();
    },
  });
  flush();
  say({ type: "done", isInTransaction: db.isInTransaction() });
}

function say(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function describe(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  const { status, message } = (error ?? {}) as { status?: unknown; message?: unknown };
  return status === undefined ? String(message ?? error) : `Postgres has ended itself with status ${status}`;
}
