import { runTool, type ToolOptions, type ToolOutput } from "../tool.ts";

/**
 * Runs the docker command line to its end.
 * @throws ToolFailure when it fails or takes too long, Interrupted when its signal fires, DebyError CANNOT_RUN
 * where there is no such command.
 */
export function docker(args: readonly string[], options: ToolOptions): Promise<ToolOutput> {
  return runTool(["docker", ...args], options);
}
