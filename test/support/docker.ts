import { buildImage, canBuildImage } from "../../scripts/docker-image.ts";
import { isCi } from "./ci.ts";
import { runCommand } from "./run-command.ts";

/**
 * For `describe.skipIf(!dockerAvailable)` and `test.skipIf(!dockerAvailable)`: whether an engine answers.
 * With CI=true it is always true, so that the tests run and fail where there is none.
 */
export const dockerAvailable: boolean = isCi || engineAnswers();

function engineAnswers(): boolean {
  if (Bun.which("docker") === null) return false;
  const asked = Bun.spawnSync(["docker", "version", "--format", "{{.Server.Version}}"], {
    stdout: "ignore",
    stderr: "ignore",
    timeout: 10_000,
  });
  return asked.exitCode === 0;
}

let image: Promise<string> | undefined;

/**
 * The name of a Postgres image that is there: made of this machine's own Postgres, else the official one, pulled.
 * @throws Error when no engine answers, or the image can neither be made nor pulled.
 */
export function requireDocker(): Promise<string> {
  image ??= findImage();
  return image;
}

async function findImage(): Promise<string> {
  if (!engineAnswers()) throw new Error("No Docker engine answers: start dockerd, or look at `docker version`");
  if (canBuildImage()) return await buildImage();
  const official = "postgres:15";
  await docker("pull", "--quiet", official);
  return official;
}

/** Runs a docker command and returns what it prints. */
export async function docker(...args: string[]): Promise<string> {
  const { HOME = "/", DOCKER_HOST } = process.env;
  const env = DOCKER_HOST === undefined ? { HOME } : { HOME, DOCKER_HOST };
  return (await runCommand(["docker", ...args], { env, deadlineMs: 120_000 })).trim();
}

export interface DockerInventory {
  /** Names of all containers, running or not. */
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

/** What the engine holds, to be compared before and after: `expect(await dockerInventory()).toEqual(before)`. */
export async function dockerInventory(): Promise<DockerInventory> {
  const [containers, volumes, networks] = await Promise.all([
    names("ps", "--all", "--format", "{{.Names}}"),
    names("volume", "ls", "--format", "{{.Name}}"),
    names("network", "ls", "--format", "{{.Name}}"),
  ]);
  return { containers, volumes, networks };
}

async function names(...args: string[]): Promise<string[]> {
  return (await docker(...args)).split("\n").filter(Boolean).sort();
}
