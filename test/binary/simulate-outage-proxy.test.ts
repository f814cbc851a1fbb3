import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { probeRaw } from "../../src/outage/raw-probe.ts";
import type { OutageReport } from "../../src/outage/report-model.ts";
import { hasOpenssl, makeCertificate } from "../support/certificates.ts";
import { spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { startPostgres } from "../support/postgres.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { testsAtOnce } from "../support/tests-at-once.ts";
import { OutageBench } from "./simulate-outage-bench.ts";

/** Most of a run is waiting. */
const besides = testsAtOnce(2);

const SHORT = ["--warmup=1s", "--outage=1s", "--settle=15s", "--json"];
const makeBench = () => new OutageBench(makeTempFolder("outage"), "postgres:0-nowhere");

besides.each([["refuse"], ["flap"], ["latency"], ["start-down"]])(
  "%s through a proxy in front of a database that others use: only our own traffic is cut",
  async (scenario) => {
    await using server = await startPostgres();
    await using bench = makeBench();
    const before = await server.psql<{ at: string }>("select pg_postmaster_start_time()::text as at");
    const args = ["--target=proxy", "--scenario", scenario, "--db-url", server.url, ...SHORT];
    const { exitCode, stdout, stderr } = await bench.run(args);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ scenario, target: "proxy", verdict: "kept", writes: { lost: 0 } });
    expect(await server.psql<{ at: string }>("select pg_postmaster_start_time()::text as at")).toEqual(before);
    await bench.expectNothingLeft();
  },
);

test.skipIf(!hasOpenssl)(
  "reset before a server that takes nothing but TLS: its chain is verified, and the table read under its own name",
  async () => {
    await using folder = makeTempFolder("outage-tls");
    const { files, rootCert } = await makeCertificate(folder, "localhost");
    await using server = await startPostgres({
      files,
      settings: { ssl: "on" },
      hba: "local all all scram-sha-256\nhostssl all all all scram-sha-256\n",
    });
    await using bench = makeBench();
    const url = new URL(server.url);
    url.hostname = "localhost";
    url.search = `?sslmode=verify-full&sslrootcert=${encodeURIComponent(rootCert)}`;
    const args = ["--target=proxy", "--scenario=reset", "--db-url", url.href, ...SHORT];
    const { exitCode, stdout, stderr } = await bench.run(args);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ verdict: "kept", writes: { lost: 0, duplicated: 0 } });
    expect(JSON.parse(stdout).writes.acknowledged).toBeGreaterThan(20);
    await bench.expectNothingLeft();
  },
  60_000,
);

besides("a server that runs already is judged through the proxy that it was pointed at, and runs on", async () => {
  await using server = await startPostgres();
  await using bench = makeBench();
  const [proxyPort, port] = [await freePort(), await freePort()];
  const url = new URL(server.url);
  url.port = String(proxyPort);
  await using running = await spawnDeby(["serve", "--canary", "--port", String(port), "--db-url", url.href]);
  await running.waitForLine(/Server running/);
  const flags = ["--target=proxy", "--proxy-port", String(proxyPort), "--server", `http://127.0.0.1:${port}`];
  const { exitCode, stdout, stderr } = await bench.run([
    ...flags,
    "--db-url",
    server.url,
    "--scenario=reset",
    ...SHORT,
  ]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  const report = JSON.parse(stdout) as OutageReport;
  expect(report).toMatchObject({ target: "proxy", verdict: "kept", writes: { lost: 0, duplicated: 0 } });
  expect(report.writes.acknowledged).toBeGreaterThan(20);
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  await bench.expectNothingLeft();
});

test.each([
  [["--target=embedded", "--server=http://127.0.0.1:1"], "would be another one"],
  [
    ["--target=proxy", "--scenario=start-down", "--server=http://127.0.0.1:1"],
    "starts the server, and --server runs already",
  ],
  [["--target=proxy", "--scenario=stop"], "The target proxy cannot do the scenario stop. It can do: netcut, reset,"],
  [["--server=https://example.org/api"], "--server must be the root of a server"],
  [["--server=http://admin:hunter22@example.org"], '--server takes no name and password: "http://***@example.org"'],
  [["--target=service"], "--target service needs the service's name: --service NAME"],
  [["--target=proxy", "--db-host=a,b", "--scenario=refuse"], "simulated on one host, and 2 are named"],
  [
    ["--target=embedded", "--container=db"],
    "--container does not go with --target embedded, but with auto, docker, compose",
  ],
  [["--proxy-port=6432"], "--proxy-port does not go with --target auto, but with proxy"],
  [["heel"], 'simulate-outage knows the word heal only, received "heel"'],
] as const)("%j is refused, with what to do", async (args, message) => {
  await using bench = makeBench();
  const { exitCode, stderr } = await bench.run(args);
  expect(stderr).toContain(message);
  expect(exitCode).toBe(2);
  await bench.expectNothingLeft();
});

test("--plan tells what would happen and does nothing", async () => {
  await using bench = makeBench();
  const args = ["--plan", "--target=proxy", "--proxy-port=6432", "--scenario=netcut", "--db-host=db.example"];
  const { exitCode, stdout, stderr } = await bench.run(args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("netcut: the network to the server falls silent");
  expect(stdout).toContain(
    "a proxy on 6432 in front of db.example:5432/deby_ecommerce; only what goes through it is cut",
  );
  expect(stdout).toContain("ttd<5s appLag<2s");
  expect(stdout).toEndWith("Nothing was done: this is the plan only\n");
  const other = await bench.run(["--plan", "--target=docker", "--scenario=wrong-password"]);
  expect(other.stdout).toContain("wrong-password: the password is not valid any more");
  expect(other.stdout).toContain("appLag<12000ms");
  await bench.expectNothingLeft();
});

test("--plan refuses what a run would refuse, and of several tells which", async () => {
  await using bench = makeBench();
  const args = ["--plan", "--target=proxy", "--db-host=db.example"];
  const alone = await bench.run([...args, "--scenario=wrong-password"]);
  expect(alone).toMatchObject({ exitCode: 2, stdout: "" });
  expect(alone.stderr).toContain("The target proxy cannot do the scenario wrong-password");
  const several = await bench.run([...args, "--scenario=wrong-password,refuse"]);
  expect(several.exitCode).toBe(0);
  expect(several.stdout).toContain("wrong-password: will not be run\nReason      The target proxy cannot do");
  expect(several.stdout).toContain("refuse: ");
});

besides("a server that does not go through the proxy is not judged by what it never met", async () => {
  await using server = await startPostgres();
  await using bench = makeBench();
  const port = await freePort();
  await using running = await spawnDeby(["serve", "--canary", "--port", String(port), "--db-url", server.url]);
  await running.waitForLine(/Server running/);
  const flags = ["--target=proxy", "--server", `http://127.0.0.1:${port}`, "--db-url", server.url];
  const { exitCode, stderr } = await bench.run([...flags, "--scenario=latency", ...SHORT]);
  expect(stderr).toContain(
    "does not go through the proxy, so the fault would not meet it: its database has to be 127.0.0.1:",
  );
  expect(exitCode).toBe(3);
  await bench.expectNothingLeft();
});

besides("a server that never finds its table is judged by what it did, and reported", async () => {
  await using server = await startPostgres();
  await server.psql("create role tenant login password 'tenant'");
  await using bench = makeBench();
  const url = new URL(server.url);
  [url.username, url.password] = ["tenant", "tenant"];
  const file = join(bench.path, "report.md");
  const args = ["--target=proxy", "--scenario=start-down", "--db-url", url.href, "--json", `--report=md=${file}`];
  const { exitCode, stdout, stderr } = await bench.run([...args, "--warmup=1s", "--outage=1s", "--settle=1s"]);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 1 });
  const report = JSON.parse(stdout) as OutageReport;
  expect(report).toMatchObject({ verdict: "broken", writes: { acknowledged: 0, lost: 0 }, figures: { ttrMs: null } });
  expect(report.figures.dbReadyMs).toBeGreaterThanOrEqual(0);
  expect(readFileSync(file, "utf8")).toContain("start-down");
  await bench.expectNothingLeft();
});

besides("a server whose table is not there is refused before anything is broken", async () => {
  await using server = await startPostgres();
  await using bench = makeBench();
  const proxyPort = await freePort();
  const { user, database } = server;
  await using liar = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch({ url }) {
      const probe = await probeRaw({ host: "127.0.0.1", port: proxyPort, user, database, limitMs: 1_000 });
      if (probe !== "ready") return Response.json({ status: "error" }, { status: 503 });
      return url.endsWith("/api/health") ? Response.json({ status: "ok" }) : new Response("none", { status: 404 });
    },
  });
  const file = join(bench.path, "report.json");
  const flags = ["--target=proxy", "--proxy-port", String(proxyPort), "--server", liar.url.origin];
  const args = ["--db-url", server.url, "--scenario=reset", `--report=json=${file}`, ...SHORT];
  const { exitCode, stdout, stderr } = await bench.run([...flags, ...args]);
  expect(stderr).toContain(`The table deby.canary cannot be read in 127.0.0.1:${server.port}/${database}`);
  expect(stderr).toContain('relation "deby.canary" does not exist');
  expect(stderr).not.toContain("warm-up");
  expect({ exitCode, stdout, isReported: existsSync(file) }).toEqual({ exitCode: 3, stdout: "", isReported: true });
  await bench.expectNothingLeft();
});
