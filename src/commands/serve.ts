import { currentSystem } from "../diagnostics/shell.ts";
import { subjectOf } from "../diagnostics/subject.ts";
import { DebyError } from "../errors.ts";
import type { Command } from "./command.ts";
import { databaseFlags, settingFlags } from "./flags.ts";
import type { CommandIo } from "./io.ts";
import { createCommandLog, loadCommandConfig } from "./load-config.ts";
import { renderConfigJson, renderConfigTable } from "./print-config.ts";

export const serve: Command = {
  args: {
    "print-config": { type: "boolean", description: "show each setting, its value and its source, then exit" },
    json: { type: "boolean", description: "with --print-config: as JSON" },
    ...databaseFlags(),
    ...settingFlags("serve"),
  },
  examples: [
    "deby serve",
    "deby serve --embedded",
    "deby serve --db-url postgres://app@db.example.com/shop --db-password-file ./password",
    "deby serve --routes ./routes.ts --port 8080 --log-format json",
    "deby serve --print-config",
  ],
  async run({ flags, io }) {
    const { json: wantsJson, "print-config": wantsConfig } = flags;
    if (wantsJson && !wantsConfig) throw new DebyError("USAGE", "--json needs --print-config");
    const loaded = loadCommandConfig({ flags, io }, { canEmbed: true });
    const log = createCommandLog(loaded.config.serve, io);
    for (const warning of loaded.warnings) log.warn("config.warning", warning);
    if (wantsConfig) {
      io.stdout.write(wantsJson ? renderConfigJson(loaded) : renderConfigTable(loaded));
      return 0;
    }
    io.onStrayError((error) => {
      log.error("process.stray-error", `An error was not handled, the server keeps running: ${error}`, { error });
      if (error instanceof Error) log.debug("process.stray-error", error.stack ?? "It has no stack");
    });
    const { startStack } = await import("../stack.ts");
    const subject = subjectOf(loaded, currentSystem(io.platform));
    return await runUntilSignal((signal) => startStack(loaded.config, { log, subject, signal }), io);
  },
};

/** What a server is to this command. */
interface Stoppable {
  stop(signal: string): Promise<void>;
}

/**
 * Starts, waits for SIGINT or SIGTERM, stops and returns 0. A start that is under way is told by its signal, and may end
 * with ABORTED. A second signal exits at once with 130 or 143.
 */
export async function runUntilSignal(
  start: (signal: AbortSignal) => Promise<Stoppable>,
  io: Pick<CommandIo, "onSignals" | "exit">,
): Promise<number> {
  const first = Promise.withResolvers<NodeJS.Signals>();
  const leaving = new AbortController();
  let isStopping = false;
  const stopListening = io.onSignals(["SIGINT", "SIGTERM"], (name) => {
    if (isStopping) io.exit(name === "SIGINT" ? 130 : 143);
    isStopping = true;
    first.resolve(name);
    leaving.abort(name);
  });
  try {
    const stack = await start(leaving.signal);
    await stack.stop(await first.promise);
    return 0;
  } catch (error) {
    if (leaving.signal.aborted && error instanceof DebyError && error.code === "ABORTED") return 0;
    throw error;
  } finally {
    stopListening();
  }
}
