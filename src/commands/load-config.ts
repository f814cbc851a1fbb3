import { readEnvFile } from "../config/env-file.ts";
import { type LoadedConfig, loadAddress, loadConfig } from "../config/load.ts";
import type { ServeSettings } from "../config/types.ts";
import { createLog, type Log, wantsColors } from "../core/log.ts";
import type { CommandInput } from "./command.ts";
import type { CommandIo } from "./io.ts";

/**
 * The configuration from a command's flags, the environment and `.env` in the working directory.
 * @param options.canEmbed whether the command can bring the embedded database; default: false
 */
export function loadCommandConfig(
  { flags, io }: CommandInput,
  { canEmbed = false }: { readonly canEmbed?: boolean } = {},
): LoadedConfig {
  return loadConfig({
    canEmbed,
    flags,
    environment: io.env,
    envFile: readEnvFile(".env", io.readFile),
    readFile: io.readFile,
    platform: io.platform,
  });
}

/** Where the server listens that the same flags, environment and `.env` start. */
export function loadCommandAddress({ flags, io }: CommandInput): Pick<ServeSettings, "host" | "port"> {
  const { readFile } = io;
  return loadAddress({ flags, environment: io.env, envFile: readEnvFile(".env", readFile), readFile });
}

/** The log that a command writes to stderr. */
export function createCommandLog(settings: Pick<ServeSettings, "logFormat" | "logLevel">, io: CommandIo): Log {
  const isTerminal = io.stderr.isTTY === true;
  return createLog({
    format: settings.logFormat,
    level: settings.logLevel,
    stream: io.stderr,
    isTerminal,
    hasColors: wantsColors(isTerminal, io.env),
  });
}
