import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { Secret } from "../../../src/config/secret.ts";
import { readPresence } from "../../../src/outage/foreign-sessions.ts";
import type { ReachedServer, Target } from "../../../src/outage/target.ts";
import { requireControl, serviceTarget } from "../../../src/outage/targets/service.ts";
import { docker, dockerAvailable, requireDocker } from "../../support/docker.ts";
import { freePort } from "../../support/ports.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { targetAt } from "../../support/settings.ts";
import { makeTempFolder, type TempFolder } from "../../support/temp-folder.ts";
import { waitUntil } from "../../support/wait-until.ts";

const NAME = "postgresql@15-main";
const { PATH = "" } = process.env;

/** Shows what is written for it, and notes what it was asked for. */
const SYSTEMCTL = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
[ "$1" = show ] || exit 0
case "$2" in *ControlGroup*) cat group; exit ;; esac
shift 3
for unit; do cat "unit-$unit"; echo; done
`;

let server: PostgresServer;
let folder: TempFolder;
let reached: ReachedServer;

beforeAll(async () => {
  server = await startPostgres();
  folder = makeTempFolder("systemctl");
  await Bun.write(join(folder.path, "systemctl"), SYSTEMCTL);
  chmodSync(join(folder.path, "systemctl"), 0o755);
  process.env["PATH"] = folder.path + delimiter + PATH;
  reached = await reach(server.host, server.port, server.password);
});

afterAll(async () => {
  process.env["PATH"] = PATH;
  await folder[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function reach(host: string, port: number, password: string): Promise<ReachedServer> {
  const endpoint = { host, port, user: "postgres", password: new Secret(password), database: "postgres" };
  return (await readPresence(endpoint)).reached;
}

function write(file: string, ...lines: readonly string[]): void {
  writeFileSync(join(folder.path, file), lines.map((line) => `${line}\n`).join(""));
}

function calls(): string[] {
  return readFileSync(join(folder.path, "calls"), "utf8").trim().split("\n");
}

function target(host: string, platform: NodeJS.Platform): Target {
  const database = targetAt(server.port, { hosts: [{ host, port: server.port }], database: "postgres" });
  return serviceTarget(NAME, database, platform);
}

/** Why the server is taken for none that the service runs. */
async function strangerAt(
  found: ReachedServer,
  { host = server.host, platform = "linux" }: { host?: string; platform?: NodeJS.Platform } = {},
): Promise<string | undefined> {
  return await target(host, platform).strangerAt?.(found);
}

describe.skipIf(process.platform !== "linux")("the service target on systemd", () => {
  const groupOf = (pid: number | undefined) => {
    const [line = ""] = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
    return line.split(":").slice(2).join(":");
  };

  test("takes the server whose process is in the unit's control group, and no other", async () => {
    write("group", groupOf(reached.processId));
    expect(await strangerAt(reached)).toBeUndefined();
    write("group", "/system.slice/another.service");
    expect(await strangerAt(reached)).toBe(`it is process ${reached.processId}, which ${NAME} does not run`);
  });

  test.each([
    ["tells of no process", undefined, "it tells of no process"],
    ["has a process of another kind here", process.pid, `its process ${process.pid} may not be seen`],
  ])("refuses a server that %s", async (_, processId, message) => {
    write("group", groupOf(reached.processId));
    const asked = strangerAt({ ...reached, processId });
    await expect(asked).rejects.toMatchObject({ code: "USAGE" });
    await expect(asked).rejects.toThrow(
      `the service ${NAME} was not touched: nothing tells whether it runs the server`,
    );
    await expect(asked).rejects.toThrow(message);
    await expect(asked).rejects.toThrow("--target proxy");
  });

  test("refuses a unit whose dependants run, however far off, by their names", async () => {
    write(
      `unit-${NAME}`,
      `Id=${NAME}.service`,
      "ActiveState=active",
      "RequiredBy=shop.service",
      "BoundBy=idle.service",
    );
    write("unit-shop.service", "Id=shop.service", "ActiveState=active", "RequiredBy=");
    write("unit-idle.service", "Id=idle.service", "ActiveState=inactive", "ConsistsOf=mail.service");
    write("unit-mail.service", "Id=mail.service", "ActiveState=activating", `RequiredBy=${NAME}.service`);
    write("calls");
    const asked = requireControl(NAME, "linux");
    await expect(asked).rejects.toMatchObject({ code: "USAGE" });
    await expect(asked).rejects.toThrow("not be started again: shop.service, mail.service. Stop that first");
    expect(calls()).not.toContain(`start ${NAME}`);
  });

  test("takes a unit whose dependants are at rest", async () => {
    write(`unit-${NAME}`, `Id=${NAME}.service`, "ActiveState=active", "RequiredBy=shop.service", "BoundBy=");
    write("unit-shop.service", "Id=shop.service", "ActiveState=failed", "RequiredBy=");
    write("calls");
    await requireControl(NAME, "linux");
    expect(calls().at(-1)).toBe(`start ${NAME}`);
  });
});

test.each(["linux", "darwin", "win32"] as const)(
  "a database of another machine is no service of this one (%s)",
  async (platform) => {
    const host = "192.0.2.7";
    expect(await strangerAt(reached, { host, platform })).toBe("192.0.2.7 is no address of this machine");
    const elsewhere = { ...reached, address: "192.0.2.7" };
    expect(await strangerAt(elsewhere, { platform })).toStartWith("its own address is 192.0.2.7");
  },
);

test.each(["darwin", "win32"] as const)(
  "a server of this machine may be the service's where none tells (%s)",
  async (platform) => {
    expect(await strangerAt(reached, { platform })).toBeUndefined();
  },
);

test("starting what runs already is no failure where the manager calls it one", async () => {
  const brew = (isRunning: boolean) => {
    const answer = `[ "$2" = info ] && { echo '[{"running":${isRunning}}]'; exit; }`;
    write("brew", "#!/bin/sh", answer, "echo 'Error: Service is already started' >&2; exit 1");
    chmodSync(join(folder.path, "brew"), 0o755);
  };
  const control = target(server.host, "darwin").server;
  brew(true);
  await control?.start();
  brew(false);
  await expect(control?.start()).rejects.toThrow("already started");
});

test.skipIf(!dockerAvailable)(
  "a container's published port is no service's",
  async () => {
    const port = await freePort();
    const name = `deby-test-service-${crypto.randomUUID().slice(0, 8)}`;
    const options = ["--label", "deby.sandbox=true", "-p", `127.0.0.1:${port}:5432`, "-e", "POSTGRES_PASSWORD=secret"];
    try {
      await docker("run", "--detach", "--name", name, ...options, await requireDocker());
      let found: ReachedServer | undefined;
      const ready = async () => {
        found = await reach("127.0.0.1", port, "secret").catch(() => undefined);
        return found !== undefined;
      };
      await waitUntil("the container takes logins", ready, { deadlineMs: 30_000 });
      for (const platform of ["linux", "darwin", "win32"] as const) {
        expect(await strangerAt(found as unknown as ReachedServer, { platform })).toMatch(
          /^its own address is [\d.]+, which is none of this machine$/,
        );
      }
    } finally {
      await docker("rm", "--force", "--volumes", name);
    }
  },
  60_000,
);
