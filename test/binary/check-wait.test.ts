import { beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker, dockerAvailable, requireDocker } from "../support/docker.ts";
import { debyExecutable, spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const PASSWORD = "container-password";
/** What the contract promises, and what a busy machine and the engine's port proxy may add. */
const NOTICED_WITHIN_MS = 300;
const SLACK_MS = 300;

interface Container extends AsyncDisposable {
  readonly port: number;
  /** The folder of its Unix socket. */
  readonly socketFolder: string;
  logs(): Promise<string>;
}

/** A database whose first start takes seconds, since it runs scripts on a temporary server. */
async function startSlowly(folder: TempFolder): Promise<Container> {
  const image = await requireDocker();
  const scripts = join(folder.path, "scripts");
  const socketFolder = join(folder.path, "socket");
  for (const path of [scripts, socketFolder]) mkdirSync(path);
  chmodSync(socketFolder, 0o777);
  writeFileSync(join(scripts, "slow.sh"), "sleep 2\n");
  const port = await freePort();
  const environment = [`POSTGRES_PASSWORD=${PASSWORD}`, "POSTGRES_USER=app", "POSTGRES_DB=shop"];
  const id = await docker(
    ...["run", "--detach", "--label", "deby.test=true", "--publish", `127.0.0.1:${port}:5432`],
    ...["--volume", `${scripts}:/docker-entrypoint-initdb.d:ro`, "--volume", `${socketFolder}:/var/run/postgresql`],
    ...environment.flatMap((variable) => ["--env", variable]),
    image,
  );
  return {
    port,
    socketFolder,
    logs: async () => {
      const { stdout, stderr } = Bun.spawnSync(["docker", "logs", "--timestamps", id]);
      return `${stdout}${stderr}`;
    },
    async [Symbol.asyncDispose]() {
      await docker("rm", "--force", "--volumes", id);
    },
  };
}

/** When the server that stays was ready, by the engine's clock, which is this machine's. */
async function readyAt(container: Container): Promise<number> {
  const lines = await waitUntil("both starts are in the log", async () => {
    const found = (await container.logs())
      .split("\n")
      .filter((line) => line.includes("database system is ready to accept connections"));
    return found.length === 2 && found;
  });
  return Math.max(...lines.map((line) => Date.parse(line.split(" ")[0] ?? "")));
}

describe.skipIf(!dockerAvailable)(
  "deby check --wait beside a container that is being initialised (needs Docker)",
  () => {
    beforeAll(async () => {
      await Promise.all([requireDocker(), debyExecutable()]);
    }, 120_000);

    test.each(["its published port", "its Unix socket"])(
      "ends when the real server is ready, at %s",
      async (way) => {
        await using folder = makeTempFolder("check-wait");
        await using container = await startSlowly(folder);
        const place =
          way === "its Unix socket"
            ? { PGHOST: container.socketFolder }
            : { PGHOST: "127.0.0.1", PGPORT: String(container.port) };
        const env = { ...place, PGUSER: "app", PGDATABASE: "shop", PGPASSWORD: PASSWORD };
        await using deby = await spawnDeby(["check", "--wait", "60s"], { env });
        const { exitCode, stdout, stderr } = await deby.waitForExit(70_000);
        const endedAt = Date.now();
        const ready = await readyAt(container);
        expect(exitCode, stdout + stderr).toBe(0);
        expect(endedAt).toBeGreaterThan(ready);
        expect(endedAt - ready).toBeLessThan(NOTICED_WITHIN_MS + SLACK_MS);
        if (way === "its Unix socket") expect(stderr).toContain("listen_addresses is empty by the command line");
      },
      90_000,
    );
  },
);
