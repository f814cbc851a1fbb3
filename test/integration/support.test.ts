import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import postgres from "postgres";
import { isCi } from "../support/ci.ts";
import { docker, dockerAvailable, dockerInventory, requireDocker } from "../support/docker.ts";
import { runDeby, spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { startPostgres } from "../support/postgres.ts";
import { postgresVersions } from "../support/postgres-binaries.ts";
import { serverProcesses } from "../support/postgres-processes.ts";
import type { PostgresServer } from "../support/postgres-server.ts";
import { waitAccepting } from "../support/raw-probe.ts";
import { runCommand } from "../support/run-command.ts";
import { waitUntil } from "../support/wait-until.ts";

async function selectOne(url: string): Promise<number> {
  const client = postgres(url, { max: 1, connect_timeout: 1 });
  try {
    const [row] = await client<{ one: number }[]>`select 1 as one`;
    return row?.one ?? 0;
  } finally {
    await client.end({ timeout: 0 });
  }
}

const probe = (server: PostgresServer, deadlineMs: number) =>
  waitAccepting({ host: server.host, port: server.port, deadlineMs, dialLimitMs: 100 });

describe.each([...postgresVersions])("startPostgres() with version %d", (version) => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ version, password: "it's 1 test/äß?", settings: { work_mem: "5MB" } });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("runs the version asked for, with the database and the settings", async () => {
    const [row] = await server.psql("SELECT 1; SELECT current_database() db, current_user me");
    expect(row).toEqual({ db: "deby_ecommerce", me: "postgres" });
    const [release] = await server.psql<{ version: string }>("SELECT version()");
    expect(release?.version).toStartWith(`PostgreSQL ${version}`);
    expect(await server.psql("SHOW work_mem")).toEqual([{ work_mem: "5MB" }]);
  });

  test("lets in with the password, and only with it", async () => {
    expect(await selectOne(server.url)).toBe(1);
    const wrong = server.url.replace(":it", ":It");
    await expect(selectOne(wrong)).rejects.toMatchObject({ code: "28P01" });
  });

  test("stop() and start() keep port and data", async () => {
    const { port } = server;
    await server.psql("CREATE TABLE kept (id int)");
    await server.stop();
    expect(server.isRunning).toBe(false);
    await expect(selectOne(server.url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await server.start();
    expect(server.port).toBe(port);
    expect(await server.psql("SELECT count(*)::int AS rows FROM kept")).toEqual([{ rows: 0 }]);
  });

  test("kill9() leaves no process, and the next start() recovers", async () => {
    const pid = server.postmasterPid;
    await server.psql("CREATE TABLE survives AS SELECT 1 AS id");
    await server.kill9();
    expect(serverProcesses(server.dataDir, pid)).toEqual([]);
    await server.start();
    expect(server.log).toContain("database system was not properly shut down");
    expect(await server.psql("SELECT id FROM survives")).toEqual([{ id: 1 }]);
  });

  test("freeze() silences the server though its port is open, thaw() heals it", async () => {
    await server.freeze();
    await expect(probe(server, 300)).rejects.toThrow("silence");
    server.thaw();
    expect(await selectOne(server.url)).toBe(1);
  });

  test("a frozen server can be killed, and started again", async () => {
    await server.freeze();
    await server.kill9();
    await server.start();
    expect(await selectOne(server.url)).toBe(1);
  });

  test("configure() and reload() change who is let in, and psql() comes in all the same", async () => {
    server.configure({ hba: "host all all all reject" });
    await server.reload();
    await expect(selectOne(server.url)).rejects.toMatchObject({ code: "28000" });
    expect(await server.psql("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    server.configure({ hba: "host all all all scram-sha-256" });
    await server.reload();
    expect(await selectOne(server.url)).toBe(1);
  });
});

test("startPostgres() tells why a server does not start", async () => {
  await expect(startPostgres({ settings: { shared_buffers: "much" } })).rejects.toThrow(/invalid value for parameter/);
});

test("disposal ends the server and removes its folder", async () => {
  const server = await startPostgres();
  const pid = server.postmasterPid;
  await server.freeze();
  await server[Symbol.asyncDispose]();
  expect(serverProcesses(server.dataDir, pid)).toEqual([]);
  expect(existsSync(server.dataDir)).toBe(false);
});

// The kernel sees to it, asked by setpriv.
test.skipIf(!isCi && Bun.which("setpriv") === null)("a server does not outlive the tests that started it", async () => {
  const script = `
    import { startPostgres } from ${JSON.stringify(join(import.meta.dir, "../support/postgres.ts"))};
    const server = await startPostgres();
    console.log(JSON.stringify([server.postmasterPid, server.dataDir]));
    process.kill(process.pid, "SIGKILL");`;
  const killed = Bun.spawn(["bun", "-e", script], { stdout: "pipe", stderr: "inherit" });
  const [pid, dataDir] = JSON.parse(await killed.stdout.text()) as [number, string];
  await waitUntil("the server is gone", () => serverProcesses(dataDir, pid).length === 0);
  rmSync(dirname(dataDir), { recursive: true });
});

test("waitAccepting() tells when a server is back, to some milliseconds", async () => {
  await using server = await startPostgres();
  await server.stop();
  const found = probe(server, 10_000);
  await Bun.sleep(100);
  await server.start();
  const readyAt = performance.now();
  const { at, dials } = await found;
  expect(Math.abs(at - readyAt)).toBeLessThan(150);
  expect(dials).toBeGreaterThan(5);
});

test("runCommand() fails with the command's output", async () => {
  await expect(runCommand(["sh", "-c", "echo why >&2; exit 3"])).rejects.toThrow(/exit code 3\nwhy/);
});

describe("the executable", () => {
  test("runDeby() returns exit code and both streams, in a clean environment and an empty folder", async () => {
    const { exitCode, stdout } = await runDeby(["--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("simulate-outage");
  }, 60_000);

  test("spawnDeby() waits for lines, and disposal ends the process", async () => {
    const port = await freePort();
    let pid: number;
    {
      await using deby = await spawnDeby(["serve", "--port", String(await freePort()), "--db-port", String(port)]);
      pid = deby.pid;
      await deby.waitForLine(new RegExp(`127.0.0.1:${port}|localhost:${port}`));
      await expect(deby.waitForLine(/never said/, 50)).rejects.toThrow(/Not within 50 ms(.|\n)*onnecting/);
    }
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  test("waitForLine() does not wait for a process that has ended", async () => {
    await using deby = await spawnDeby(["no-such-command"]);
    await expect(deby.waitForLine(/never said/)).rejects.toThrow(/ended without(.|\n)*no-such-command/);
    expect((await deby.waitForExit()).exitCode).toBe(2);
  });
});

describe.skipIf(!dockerAvailable)("the Postgres image (needs Docker)", () => {
  test("serves with the variables of the official one, and keeps its data over a restart", async () => {
    const image = await requireDocker();
    const name = `deby-test-${process.pid}`;
    let volume = "";
    const port = await freePort();
    const url = `postgres://shop:${encodeURIComponent("p'w $x")}@127.0.0.1:${port}/shopdb`;
    const variables = { POSTGRES_USER: "shop", POSTGRES_PASSWORD: "p'w $x", POSTGRES_DB: "shopdb" };
    const env = Object.entries(variables).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
    await docker(
      "run",
      "--detach",
      "--name",
      name,
      ...env,
      "--publish",
      `127.0.0.1:${port}:5432`,
      image,
      "-c",
      "work_mem=5MB",
    );
    try {
      await waitUntil("the container answers", () => selectOne(url), { deadlineMs: 30_000, everyMs: 50 });
      await docker("exec", name, "psql", "-U", "shop", "-d", "shopdb", "-c", "CREATE TABLE kept AS SELECT 7 AS id");
      await docker("stop", name);
      // Not by SIGKILL, which comes when it has not ended within ten seconds.
      expect(await docker("inspect", "--format", "{{.State.ExitCode}}", name)).toBe("0");
      await docker("start", name);
      await waitUntil("the container answers", () => selectOne(url), { deadlineMs: 30_000, everyMs: 50 });
      const kept = await docker(
        "exec",
        name,
        "psql",
        "-U",
        "shop",
        "-d",
        "shopdb",
        "-Atc",
        "SHOW work_mem; TABLE kept",
      );
      expect(kept).toBe("5MB\n7");
      volume = await docker("inspect", "--format", "{{(index .Mounts 0).Name}}", name);
      expect((await dockerInventory()).volumes).toContain(volume);
    } finally {
      await docker("rm", "--force", "--volumes", name);
    }
    const left = await dockerInventory();
    expect(left.containers).not.toContain(name);
    expect(left.volumes).not.toContain(volume);
  }, 60_000);
});
