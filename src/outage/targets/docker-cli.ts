import { type Environment, runTool, ToolFailure, type ToolOptions, type ToolOutput } from "../tool.ts";

const INSPECT_LIMIT_MS = 10_000;

/** What tells the docker command which engine to speak to. Source: the command's documentation, environment variables. */
const ENGINE_VARIABLES = ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"];

/**
 * The same engine for a command that is run from another environment, or after another one was chosen.
 * @throws as docker()
 */
export async function engineEnvironment(signal: AbortSignal): Promise<Environment> {
  const variables = Object.fromEntries(ENGINE_VARIABLES.map((name) => [name, process.env[name] ?? null]));
  const host = await engineHost(signal);
  // Any other way of speaking to it needs what the context knows besides.
  return host !== undefined && /^(unix|npipe):/.test(host) ? { ...variables, DOCKER_HOST: host } : variables;
}

/** Such as `unix:///var/run/docker.sock`; undefined where the command does not tell. */
export async function engineHost(signal: AbortSignal): Promise<string | undefined> {
  const words = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
  try {
    return (await docker(words, { limitMs: INSPECT_LIMIT_MS, signal })).stdout;
  } catch (error) {
    if (error instanceof ToolFailure) return undefined;
    throw error;
  }
}

/**
 * Runs the docker command line to its end.
 * @throws ToolFailure when it fails or takes too long, Interrupted when its signal fires, DebyError CANNOT_RUN
 * where there is no such command.
 */
export function docker(args: readonly string[], options: ToolOptions): Promise<ToolOutput> {
  return runTool(["docker", ...args], options);
}
