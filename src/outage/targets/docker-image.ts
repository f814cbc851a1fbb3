import { DebyError } from "../../errors.ts";
import type { OnStep } from "../progress.ts";
import { ToolFailure } from "../tool.ts";
import { withoutLogin } from "../without-login.ts";
import { docker, engineHost } from "./docker-cli.ts";
import { PulledLayers } from "./pulled-layers.ts";

const INSPECT_LIMIT_MS = 10_000;
const REMOTE_SCHEMES: ReadonlySet<string> = new Set(["tcp:", "http:", "https:", "ssh:"]);
const PULL_LIMIT_MS = 10 * 60_000;

export interface ImageOptions {
  readonly signal: AbortSignal;
  /** Told when the image has to be fetched, which may take minutes, and how far that has come. */
  readonly onStep: OnStep;
  /** Longest time for fetching it, in milliseconds. Default: 10 minutes. */
  readonly limitMs?: number;
}

/**
 * Makes sure that there is an engine to talk to, on this machine: containers' ports are looked for here.
 * @throws DebyError CANNOT_RUN with the way out
 */
export async function requireEngine(signal: AbortSignal): Promise<void> {
  const host = await engineHost(signal);
  if (host !== undefined && !isHere(host)) {
    const message = `The Docker engine is on another machine (${withoutLogin(host)}), and its ports are not here`;
    throw new DebyError(
      "CANNOT_RUN",
      `${message}\nUse the engine of this machine: docker context use default, DOCKER_HOST not set`,
    );
  }
  try {
    await docker(["version", "--format", "{{.Server.Version}}"], { limitMs: INSPECT_LIMIT_MS, signal });
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    throw new DebyError("CANNOT_RUN", `Cannot reach the Docker engine: ${error.message}\n${engineRemedy(error)}`, {
      cause: error,
    });
  }
}

/** Such as `unix:///var/run/docker.sock`, `npipe:////./pipe/docker_engine`, `ssh://me@build.example`. */
function isHere(host: string): boolean {
  const url = URL.canParse(host) ? new URL(host) : undefined;
  if (url === undefined || !REMOTE_SCHEMES.has(url.protocol)) return true;
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
}

function engineRemedy({ message }: ToolFailure): string {
  if (/permission denied/i.test(message)) {
    return "This user may not use Docker: sudo usermod -aG docker $USER, then log in again";
  }
  switch (process.platform) {
    case "darwin":
    case "win32":
      return "Start Docker Desktop, or point DOCKER_HOST at a running engine";
    default:
      return "Start it with: sudo systemctl start docker. Or point DOCKER_HOST at a running engine";
  }
}

/** Makes sure that the image is on this machine, and fetches it where not. @throws DebyError CANNOT_RUN */
export async function requireImage(
  image: string,
  { signal, onStep, limitMs = PULL_LIMIT_MS }: ImageOptions,
): Promise<void> {
  if (await isPresent(image, signal)) return;
  const what = `pulling ${image}`;
  onStep(what);
  const layers = new PulledLayers();
  const onLine = (line: string): void => {
    layers.read(line);
    if (layers.part.of > 0) onStep(what, layers.part);
  };
  try {
    await docker(["pull", image], { limitMs, signal, onLine });
  } catch (error) {
    if (!(error instanceof ToolFailure)) throw error;
    const message = `The image ${image} is not on this machine and cannot be pulled: ${error.message}`;
    throw new DebyError("CANNOT_RUN", `${message}\n${await imageRemedy(signal)}`, { cause: error });
  }
}

async function isPresent(image: string, signal: AbortSignal): Promise<boolean> {
  try {
    await docker(["image", "inspect", "--format", "{{.Id}}", image], { limitMs: INSPECT_LIMIT_MS, signal });
    return true;
  } catch (error) {
    if (error instanceof ToolFailure) return false;
    throw error;
  }
}

/** Names images of Postgres that are here; another version is the user's choice, never ours. */
async function imageRemedy(signal: AbortSignal): Promise<string> {
  const { stdout } = await docker(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"], {
    limitMs: INSPECT_LIMIT_MS,
    signal,
  });
  const here = stdout.split("\n").filter((name) => /postgres/.test(name) && !name.includes("<none>"));
  const [first] = here;
  if (first === undefined) return "Without a network, load one from a file (docker load) and name it with --image";
  const others = here.length === 1 ? "" : ` (here are ${here.join(", ")})`;
  return `Use one that is here: --image ${first}, or DEBY_IMAGE=${first} in the environment${others}`;
}
