import { runTool, type ToolOptions, type ToolOutput } from "../tool.ts";

/** What tells the docker command which engine to speak to. Source: the command's documentation, environment variables. */
const ENGINE_VARIABLES = ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"];

/** The same engine for a command that is run from another environment; empty counts as not set. */
export function engineEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(ENGINE_VARIABLES.map((name) => [name, env[name] ?? ""]));
}

/**
 * Runs the docker command line to its end.
 * @throws ToolFailure when it fails or takes too long, Interrupted when its signal fires, DebyError CANNOT_RUN
 * where there is no such command.
 */
export function docker(args: readonly string[], options: ToolOptions): Promise<ToolOutput> {
  return runTool(["docker", ...args], options);
}
