import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker, dockerAvailable, requireDocker } from "../support/docker.ts";
import { freePort } from "../support/ports.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { type BuiltImage, buildDebyImage } from "./docker-image-support.ts";

/** The largest that the image may be; nearly all of it is the executable. */
const IMAGE_LIMIT_BYTES = 160 * 1024 ** 2;

const id = crypto.randomUUID().slice(0, 8);
const [network, postgres, deby] = [`deby-test-${id}`, `deby-test-postgres-${id}`, `deby-test-deby-${id}`];

/** Its base images are made of what this machine has. */
const canBuild = dockerAvailable && process.platform === "linux";

describe.skipIf(!canBuild)("the image that the Dockerfile makes, beside a Postgres as compose.yaml has it", () => {
  let folder: TempFolder | undefined;
  let image: BuiltImage | undefined;
  let url = "";

  beforeAll(async () => {
    folder = makeTempFolder("secret");
    const secret = join(folder.path, "postgres-password");
    // With the line's end that an editor or `openssl rand` leaves.
    writeFileSync(secret, "p@ss w/o?rd#%\n");
    const mount = ["--volume", `${secret}:/run/secrets/postgres_password:ro`];
    const database = ["--env", "POSTGRES_DB=deby_ecommerce", "--env", "POSTGRES_USER=postgres"];
    const env = [...mount, ...database, "--env", "POSTGRES_PASSWORD_FILE=/run/secrets/postgres_password"];
    const postgresImage = await requireDocker();
    image = await buildDebyImage();
    await docker("network", "create", network);
    const alias = ["--network", network, "--network-alias", "postgres"];
    await docker("run", "--detach", "--name", postgres, ...alias, ...env, postgresImage);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    await docker(
      ...["run", "--detach", "--name", deby, "--network", network, "--publish", `127.0.0.1:${port}:5000`],
      ...["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--health-interval", "1s"],
      ...[...env, "--env", "POSTGRES_HOST=postgres", image.name],
    );
  }, 360_000);

  afterAll(async () => {
    await docker("rm", "--force", "--volumes", deby, postgres).catch(() => {});
    await docker("network", "rm", network).catch(() => {});
    await image?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const inspect = (name: string, format: string) => docker("inspect", "--format", format, name);
  const health = async () => (await (await fetch(`${url}/api/health`)).json()) as Record<string, unknown>;

  test("it connects with the password of a secret file, and its container becomes healthy", async () => {
    await waitUntil("deby is connected", async () => (await health())["database"] === "connected", {
      deadlineMs: 20_000,
    });
    const isHealthy = async () => (await inspect(deby, "{{.State.Health.Status}}")) === "healthy";
    await waitUntil("the container is healthy", isHealthy);
    const logs = await docker("logs", deby);
    expect(logs).not.toContain("w/o?rd");
  });

  test("it runs as no root, holds little, and knows its commit and how it is stopped and asked", async () => {
    const { name = "" } = image ?? {};
    const config = JSON.parse(await inspect(name, "{{json .Config}}"));
    expect(config).toMatchObject({ User: "65532:65532", StopSignal: "SIGTERM", ExposedPorts: { "5000/tcp": {} } });
    expect(config.Healthcheck.Test).toEqual(["CMD", "/usr/local/bin/deby", "health"]);
    expect(Number(await inspect(name, "{{.Size}}"))).toBeLessThan(IMAGE_LIMIT_BYTES);
    expect(await docker("run", "--rm", name, "--version")).toContain("commit 0123456789");
  });

  test("without its Postgres it stays healthy, and comes back with it", async () => {
    await docker("stop", postgres);
    await waitUntil("deby has noticed", async () => (await health())["status"] === "error");
    const probes = async () => JSON.parse(await inspect(deby, "{{json .State.Health.Log}}")) as { ExitCode: number }[];
    const [before] = (await probes()).toReversed();
    await waitUntil("two more probes", async () => {
      const later = await probes();
      return later.findIndex((probe) => JSON.stringify(probe) === JSON.stringify(before)) <= later.length - 3;
    });
    expect((await probes()).every(({ ExitCode }) => ExitCode === 0)).toBe(true);
    expect(await inspect(deby, "{{.State.Health.Status}}")).toBe("healthy");
    await docker("start", postgres);
    await waitUntil("deby is back", async () => (await health())["database"] === "connected", { deadlineMs: 20_000 });
  }, 120_000);

  test("docker stop ends it with 0 within 3 s", async () => {
    const startedAt = performance.now();
    await docker("stop", "--time", "20", deby);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    expect(await inspect(deby, "{{.State.ExitCode}}")).toBe("0");
  });
});
