import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CanaryClients } from "../support/canary-clients.ts";
import { runDeby, spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import type { ServedDeby } from "../support/serve.ts";
import { embeddedPidOf, isAlive, psqlIn, serveEmbedded } from "../support/serve-embedded.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

const ATTENTIVE = ["--heartbeat-interval", "1s", "--heartbeat-timeout", "1s"];

/** Routes that keep the database busy: for as many seconds as asked, and for as many rows as asked. */
function writeRoutes(folder: string): string {
  const path = join(folder, "routes.ts");
  writeFileSync(
    path,
    `export default ({ app, db }) => app
       .get("/sleep/:seconds", ({ params }) => db.query\`select pg_sleep(\${Number(params.seconds)})::text\`)
       .get("/count/:rows", ({ params }) => db.read\`select count(*)::text from generate_series(1, \${Number(params.rows)}::int)\`);`,
  );
  return path;
}

async function mustHavePid(deby: ServedDeby): Promise<number> {
  const pid = await embeddedPidOf(deby);
  if (pid === undefined) throw new Error(`There is no embedded server\n${deby.process.lines.join("\n")}`);
  return pid;
}

/** Everything that health said until it is stopped, as `status state`, each word once in a row. */
function watchHealth(deby: ServedDeby): { stop(): Promise<string[]> } {
  const seen: string[] = [];
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      const { status, body } = await deby.health();
      const word = `${status} ${body["state"]}`;
      if (seen.at(-1) !== word) seen.push(word);
      await Bun.sleep(20);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      return seen;
    },
  };
}

test("tells what it is in order, where its data lies and what to try; no password is in any output", async () => {
  await using folder = makeTempFolder("embedded");
  const dataDir = join(folder.path, "data");
  await using deby = await serveEmbedded(dataDir, { args: ["--canary", "--log-level", "debug"] });
  await deby.process.waitForLine(/Try: curl/);
  const expected = [
    /one session shared by all connections, for trying and for tests; data in .*data$/,
    /Connecting to PostgreSQL \(127\.0\.0\.1:\d+\/deby_ecommerce\)/,
    /Connection established: PostgreSQL 18\.\d+/,
    /Schema ready/,
    /Server running on port/,
    /All systems operational/,
    /Try: curl -s http:\/\/127\.0\.0\.1:\d+\/api\/health/,
  ];
  let next = 0;
  for (const line of deby.process.lines) if (expected[next]?.test(line)) next += 1;
  expect(expected[next]).toBeUndefined();
  expect((await deby.health()).body).toMatchObject({ status: "ok", database: "connected", dbType: "PostgreSQL" });
  const [, password = ""] = /^password=(.*)$/m.exec(await Bun.file(join(dataDir, "pg_service.conf")).text()) ?? [];
  expect(password.length).toBeGreaterThan(20);
  expect(deby.process.lines.join("\n")).not.toContain(password);
});

test("20 clients on the canary, the child killed with SIGKILL five times: every 201 is in the table, once", async () => {
  await using folder = makeTempFolder("embedded");
  await using deby = await serveEmbedded(folder.path, { args: ["--canary"] });
  await using clients = new CanaryClients(deby, 20);
  for (let cycle = 0; cycle < 5; cycle++) {
    await clients.progress(200);
    process.kill(await mustHavePid(deby), "SIGKILL");
    await deby.waitForState("reconnecting");
    await deby.waitForState("up", 30_000);
    await clients.progress(200);
  }
  const report = await clients.finish(psqlIn(folder.path));
  expect(report.acknowledged).toBeGreaterThanOrEqual(2000);
  expect(report.notOnce).toEqual([]);
  expect(report.wrongOutcome).toEqual([]);
  expect(Object.keys(report.others).filter((key) => key !== "500 OUTCOME_UNKNOWN unknown")).toEqual([]);
  expect(deby.process.lines.join("\n")).not.toContain("not handled");
}, 300_000);

describe("a statement that takes long", () => {
  test("is no outage, though it takes 17 s and the heartbeat waits behind it", async () => {
    await using folder = makeTempFolder("embedded");
    const routes = writeRoutes(folder.path);
    await using deby = await serveEmbedded(join(folder.path, "data"), { args: ["--routes", routes, ...ATTENTIVE] });
    const watch = watchHealth(deby);
    const slow = deby.fetch("/sleep/17");
    await Bun.sleep(1000);
    const behind = deby.fetch("/api/tables");
    expect((await slow).status).toBe(200);
    expect((await behind).status).toBe(200);
    await Bun.sleep(3000);
    expect(await watch.stop()).toEqual(["200 up"]);
    expect(deby.process.lines.filter((line) => /lost|Heartbeat failed|attempt/i.test(line))).toEqual([]);
  }, 60_000);

  test("is cancelled at its request's deadline, and nobody else waits any longer", async () => {
    await using folder = makeTempFolder("embedded");
    const args = ["--routes", writeRoutes(folder.path), "--request-timeout", "3s", ...ATTENTIVE];
    await using deby = await serveEmbedded(join(folder.path, "data"), { args });
    const watch = watchHealth(deby);
    const slow = deby.fetch("/count/2000000000");
    await Bun.sleep(500);
    const behind = deby.fetch("/api/tables");
    expect((await slow).status).toBe(504);
    expect((await behind).status).not.toBe(500);
    const startedAt = performance.now();
    expect((await deby.fetch("/api/tables")).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect((await watch.stop()).filter((word) => !/^200 (up|suspect)$/.test(word))).toEqual([]);
  }, 60_000);
});

describe("when deby itself is killed with SIGKILL", () => {
  // Only Linux can be asked to end a process that is frozen; elsewhere it ends as soon as it is thawed.
  const kinds = process.platform === "linux" ? ["idle", "busy", "frozen"] : ["idle", "busy"];
  test.each(kinds)(
    "the child, which is %s, is gone within 2 s, and the next start has the data",
    async (kind) => {
      await using folder = makeTempFolder("embedded");
      const dataDir = join(folder.path, "data");
      const args = ["--canary", "--routes", writeRoutes(folder.path)];
      const id = crypto.randomUUID();
      let childPid = 0;
      {
        await using deby = await serveEmbedded(dataDir, { args });
        expect((await deby.fetch(`/api/canary/${id}`, { method: "PUT" })).status).toBe(201);
        childPid = await mustHavePid(deby);
        if (kind === "busy") void deby.fetch("/count/2000000000").catch(() => {});
        await Bun.sleep(300);
        if (kind === "frozen") process.kill(childPid, "SIGSTOP");
        deby.process.kill("SIGKILL");
        await deby.process.exited;
        await waitUntil("the child is gone", () => !isAlive(childPid), { deadlineMs: 2000 });
      }
      await using deby = await serveEmbedded(dataDir, { args });
      expect((await deby.fetch(`/api/canary/${id}`)).status).toBe(200);
    },
    60_000,
  );

  test("and started again at once, the new one waits for the old child's end", async () => {
    await using folder = makeTempFolder("embedded");
    for (let round = 0; round < 3; round++) {
      const deby = await serveEmbedded(folder.path, { args: ["--canary"] });
      expect((await deby.fetch(`/api/canary/${crypto.randomUUID()}`, { method: "PUT" })).status).toBe(201);
      deby.process.kill("SIGKILL");
      await deby.process.exited;
      await deby[Symbol.asyncDispose]();
    }
    await using _last = await serveEmbedded(folder.path);
    expect(await psqlIn(folder.path).psql("select count(*)::int as count from deby.canary")).toEqual([{ count: 3 }]);
  }, 60_000);
});

test("a frozen child is an outage, and thawed it is none", async () => {
  await using folder = makeTempFolder("embedded");
  await using deby = await serveEmbedded(folder.path, { args: [...ATTENTIVE, "--canary"] });
  const pid = await mustHavePid(deby);
  const frozenAt = performance.now();
  process.kill(pid, "SIGSTOP");
  await deby.waitForState("reconnecting", 15_000);
  console.log(`a frozen child was noticed after ${(performance.now() - frozenAt).toFixed(0)} ms`);
  const held = deby.fetch(`/api/canary/${crypto.randomUUID()}`, { method: "PUT" });
  await Bun.sleep(1000);
  process.kill(pid, "SIGCONT");
  await deby.waitForState("up");
  expect((await held).status).toBe(201);
  expect(await embeddedPidOf(deby)).toBe(pid);
}, 60_000);

test("SIGTERM stops the child in an orderly way: exit 0, nothing to recover, nothing left", async () => {
  await using folder = makeTempFolder("embedded");
  await using deby = await serveEmbedded(folder.path, { args: ["--canary"] });
  await deby.fetch(`/api/canary/${crypto.randomUUID()}`, { method: "PUT" });
  const pid = await mustHavePid(deby);
  const stoppedAt = performance.now();
  deby.process.kill("SIGTERM");
  const { exitCode, stderr } = await deby.process.waitForExit();
  expect(performance.now() - stoppedAt).toBeLessThan(2000);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/Connections closed[\s\S]*Embedded PostgreSQL stopped[\s\S]*Bye/);
  expect(isAlive(pid)).toBe(false);
  for (const name of ["data/postmaster.pid", "deby.pid", "pg_service.conf"]) {
    expect(existsSync(join(folder.path, name))).toBe(false);
  }
});

test("a second deby on the same folder is told who uses it: exit 3, and the first notices nothing", async () => {
  await using folder = makeTempFolder("embedded");
  await using deby = await serveEmbedded(folder.path);
  const port = String(await freePort());
  const second = await runDeby(["serve", "--embedded", "--data-dir", folder.path, "--port", port]);
  expect(second.exitCode).toBe(3);
  expect(second.stderr).toContain(`another deby, process ${deby.process.pid}, uses it`);
  expect((await deby.fetch("/api/tables")).status).toBe(200);
});

test("a folder that cannot be used, and a database that is named as well, are refused", async () => {
  await using folder = makeTempFolder("embedded");
  writeFileSync(join(folder.path, "file"), "");
  const unusable = await runDeby(["serve", "--embedded", "--data-dir", join(folder.path, "file", "data")]);
  expect(unusable.exitCode).toBe(3);
  expect(unusable.stderr).toContain("name another folder with --data-dir");
  const contradiction = await runDeby(["serve", "--embedded", "--db-host", "db.example.com"]);
  expect(contradiction.exitCode).toBe(2);
  expect(contradiction.stderr).toContain("--db-host");
});

test("without a reachable database deby keeps trying and says how to bring one along, and brings none by itself", async () => {
  const [port, nobody] = [await freePort(), await freePort()];
  const where = ["--port", String(port), "--db-host", "127.0.0.1", "--db-port", String(nobody)];
  await using deby = await spawnDeby(["serve", ...where, "--retry-attempts", "2", "--retry-delays", "200ms"]);
  await deby.waitForLine(/`deby serve --embedded`/);
  await deby.waitForLine(/attempt 3 failed/, 20_000);
});
