import type { CommandIo } from "./commands/io.ts";
import { buildInfo } from "./config/build-info.ts";
import { readTextFile } from "./config/read-file.ts";
import { EMBEDDED_SERVER } from "./embedded/child-protocol.ts";
import { WATCHDOG } from "./outage/watchdog-command.ts";

// No top-level await here: while one is pending, Bun prints an uncaught error and keeps running.
main(process.argv.slice(2));

function main(argv: readonly string[]): void {
  if (argv[0] === "--version" || argv[0] === "-v" || argv[0] === "version") {
    // Ahead of every import that is not needed for it, Node's streams included.
    console.log(`deby ${buildInfo.version} (commit ${buildInfo.commit}, Bun ${buildInfo.bun})`);
    return;
  }
  if (argv[0] === EMBEDDED_SERVER) {
    import("./embedded/server.ts").then(({ runEmbeddedServer }) => runEmbeddedServer(argv.slice(1)), dieOf);
    return;
  }
  if (argv[0] === WATCHDOG) {
    import("./outage/watchdog.ts").then(({ runWatchdog }) => runWatchdog(argv.slice(1))).catch(dieOf);
    return;
  }
  // A reader that went away (deby check --json | head) is no failure of ours.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const io = processIo();
  import("./commands/cli.ts").then(({ runCli }) => runCli(argv, io)).then(exitWhenWritten, dieOf);
}

/** What a command sees of this process. */
function processIo(): CommandIo {
  let onStrayError = dieOf;
  process.on("uncaughtException", (error) => onStrayError(error));
  process.on("unhandledRejection", (error) => onStrayError(error));
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    platform: process.platform,
    readFile: readTextFile,
    ask,
    exit: (code) => process.exit(code),
    onSignals(names, listener) {
      for (const name of names) process.on(name, listener);
      return () => {
        for (const name of names) process.off(name, listener);
      };
    },
    onStrayError(listener) {
      onStrayError = listener;
    },
  };
}

async function ask(question: string): Promise<string | undefined> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  process.stderr.write(question);
  for await (const line of console) return line;
  return "";
}

function dieOf(error: unknown): void {
  process.stderr.write(`deby: Unexpected error: ${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}

/** Exits once stdout's reader has everything; process.exit alone would cut a pipe short. */
function exitWhenWritten(code: number): void {
  process.stdout.write("", () => process.exit(code));
}
