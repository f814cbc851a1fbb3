import { expect, test } from "bun:test";
import { connect } from "node:net";
import { join } from "node:path";
import { debyExecutable, spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

const RUNS = 10;
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

test("deby --version takes at most twice the time of a compiled hello-world, medians of 10 in turn", async () => {
  await using folder = makeTempFolder("hello");
  const source = join(folder.path, "hello.ts");
  await Bun.write(source, 'console.log("hello");');
  const hello = join(folder.path, "hello");
  await Bun.build({ entrypoints: [source], format: "esm", bytecode: true, compile: { outfile: hello } });
  const deby = await debyExecutable();
  const timesMs = { hello: [] as number[], version: [] as number[] };
  const run = (command: string[], into: number[]) => {
    const startedAt = performance.now();
    const { exitCode, stdout } = Bun.spawnSync(command, { cwd: folder.path });
    into.push(performance.now() - startedAt);
    expect(exitCode).toBe(0);
    expect(stdout.length).toBeGreaterThan(0);
  };
  for (let i = 0; i <= RUNS; i++) {
    run([hello], timesMs.hello);
    run([deby, "--version"], timesMs.version);
  }
  // The first run of each warms the disk's cache.
  const [helloMs, versionMs] = [median(timesMs.hello.slice(1)), median(timesMs.version.slice(1))];
  console.log(
    `hello ${helloMs.toFixed(1)} ms, deby --version ${versionMs.toFixed(1)} ms, ratio ${(versionMs / helloMs).toFixed(2)}`,
  );
  expect(versionMs / helloMs).toBeLessThanOrEqual(2);
}, 60_000);

/** What 150 ms are in starts of `--version`, on a machine that does nothing else: one that is slow is slow in both. */
const PER_VERSION = 6.5;

test("serve listens within 150 ms of its start, without a database, at the median of 10", async () => {
  const timesMs: number[] = [];
  const versionMs: number[] = [];
  const executable = await debyExecutable();
  for (let i = 0; i < RUNS; i++) {
    const askedAt = performance.now();
    Bun.spawnSync([executable, "--version"]);
    versionMs.push(performance.now() - askedAt);
    const [port, nobody] = [await freePort(), await freePort()];
    const startedAt = performance.now();
    await using deby = await spawnDeby([
      "serve",
      "--port",
      String(port),
      "--db-host",
      "127.0.0.1",
      "--db-port",
      String(nobody),
    ]);
    while (!(await accepts(port))) {
      if (performance.now() - startedAt > 10_000) throw new Error(`It does not listen:\n${deby.lines.join("\n")}`);
      await Bun.sleep(2);
    }
    timesMs.push(performance.now() - startedAt);
  }
  const shown = timesMs.map((ms) => ms.toFixed(0)).join(" ");
  const medians = [timesMs, versionMs].map((all) => median(all).toFixed(0));
  console.log(`listening after ${shown} ms, median ${medians[0]}, where --version takes ${medians[1]}`);
  expect(median(timesMs)).toBeLessThanOrEqual(Math.max(150, PER_VERSION * median(versionMs)));
}, 60_000);

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
