import { defineCommand, runCommand } from "citty";
import { buildInfo } from "../config/build-info.ts";
import { closest } from "../config/did-you-mean.ts";
import { redact } from "../config/redact.ts";
import { DebyError } from "../errors.ts";
import { checkArguments } from "./arguments.ts";
import type { Command } from "./command.ts";
import { type CommandSummary, renderCommandHelp, renderOverview } from "./help.ts";
import type { CommandIo } from "./io.ts";
import { reportError } from "./report-error.ts";

interface CommandEntry extends CommandSummary {
  /** Dynamic, so that a command pays for no other's imports. */
  load(): Promise<Command>;
}

const COMMANDS: readonly CommandEntry[] = [
  {
    name: "serve",
    summary: "run an HTTP API on a connection pool that survives outages of PostgreSQL",
    load: async () => (await import("./serve.ts")).serve,
  },
  {
    name: "check",
    summary: "diagnose the connection and the database's health, with a fix for every finding",
    load: async () => (await import("./check.ts")).check,
  },
  {
    name: "simulate-outage",
    summary: "break a real PostgreSQL under load and prove with figures what the server did",
    load: async () => (await import("./simulate-outage.ts")).simulateOutage,
  },
  {
    name: "health",
    summary: "ask a running server whether it is alive, as a container's health check does",
    load: async () => (await import("./health.ts")).health,
  },
];

/** Runs a command line and returns its exit code; errors are told on stderr. */
export async function runCli(argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return reportError(error, { argv, io, isKnown: COMMANDS.some(({ name }) => name === argv[0]) });
  }
}

async function dispatch([first, ...rest]: readonly string[], io: CommandIo): Promise<number> {
  if (first === undefined || isHelpFlag(first) || (first === "help" && rest.length === 0)) {
    io.stdout.write(renderOverview(COMMANDS, io));
    return 0;
  }
  if (first === "help") return await dispatch([...rest.slice(0, 1), "--help"], io);
  const entry = entryNamed(first);
  const command = await entry.load();
  if (asksForHelp(rest)) {
    io.stdout.write(renderCommandHelp(entry, command, io));
    return 0;
  }
  const rawArgs = checkArguments(rest, command.args, command.repeatable);
  const runnable = defineCommand({
    meta: { name: entry.name, description: entry.summary, version: buildInfo.version },
    args: command.args,
    run: async ({ args }) => await command.run({ flags: args, io }),
  });
  const { result } = await runCommand(runnable, { rawArgs });
  return typeof result === "number" ? result : 0;
}

function entryNamed(name: string): CommandEntry {
  const entry = COMMANDS.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  if (name.startsWith("-")) {
    throw new DebyError("USAGE", `A command comes before its flags: deby <command> ${name}`);
  }
  const near = closest(
    name,
    COMMANDS.map((candidate) => candidate.name),
  );
  throw new DebyError(
    "USAGE",
    `Unknown command "${redact(name)}"${near === undefined ? "" : `; did you mean ${near}?`}`,
  );
}

function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).some(isHelpFlag);
}

function isHelpFlag(arg: string): boolean {
  return arg === "--help" || arg === "-h";
}
