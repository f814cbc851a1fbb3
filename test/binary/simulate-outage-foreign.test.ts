import { describe, expect } from "bun:test";
import postgres from "postgres";
import type { OutageReport } from "../../src/outage/report-model.ts";
import { docker, dockerAvailable, requireDocker } from "../support/docker.ts";
import { freePort } from "../support/ports.ts";
import { testsAtOnce } from "../support/tests-at-once.ts";
import { waitUntil } from "../support/wait-until.ts";
import { ENDED_WITHIN_MS, OutageBench, REACHED_WITHIN_MS } from "./simulate-outage-bench.ts";

/** Most of a run is waiting. */
const test = testsAtOnce(3);

const SHORT = ["--warmup=1s", "--outage=1s", "--settle=15s"];
/** The first time it is as on a machine that is too busy. */
const FREEZES_LATE =
  '[ "$1" = pause ] && [ ! -e "$0.late" ] && { : > "$0.late"; echo "unable to freeze: unknown" >&2; exit 1; }';
/** For what nothing but missing answers tells of. */
const LONGER = ["--warmup=1s", "--outage=6s", "--settle=15s"];
const PASSWORD = "a-users-password";

/** A database in a container that deby did not make. */
class Victim implements AsyncDisposable {
  readonly name: string;
  readonly port: number;

  private constructor(name: string, port: number) {
    this.name = name;
    this.port = port;
  }

  static async start(...options: readonly string[]): Promise<Victim> {
    const image = await requireDocker();
    const port = await freePort();
    const victim = new Victim(`deby-test-victim-${crypto.randomUUID().slice(0, 8)}`, port);
    const publish = ["-p", `127.0.0.1:${port}:5432`, "-e", `POSTGRES_PASSWORD=${PASSWORD}`];
    await docker("run", "--detach", "--name", victim.name, ...publish, ...options, image);
    await waitUntil("the victim takes logins", () => victim.login(), { deadlineMs: REACHED_WITHIN_MS });
    return victim;
  }

  connect(connection: Record<string, string> = {}): postgres.Sql {
    const address = { host: "127.0.0.1", port: this.port, user: "postgres", password: PASSWORD };
    return postgres({
      ...address,
      max: 1,
      ssl: false,
      fetch_types: false,
      connect_timeout: 2,
      onnotice: () => {},
      connection,
    });
  }

  async login(): Promise<boolean> {
    const sql = this.connect();
    try {
      await sql`select 1`;
      return true;
    } catch {
      return false;
    } finally {
      await sql.end({ timeout: 0 }).catch(() => {});
    }
  }

  /** When it was started last, and whether it runs. */
  state(): Promise<string> {
    return docker("inspect", "--format", "{{.State.StartedAt}} {{.State.Running}} {{.State.Paused}}", this.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await docker("rm", "--force", "--volumes", this.name);
  }
}

describe.skipIf(!dockerAvailable)("deby simulate-outage on a container that it did not make", () => {
  test("is refused without its owner's word, and the container is not touched", async () => {
    await using victim = await Victim.start();
    await using bench = await OutageBench.make();
    const before = await victim.state();
    for (const [args, message] of [
      [[], `say so by its name: --confirm ${victim.name}`],
      [["--confirm", "another"], '--confirm names "another"'],
    ] as const) {
      const { exitCode, stdout, stderr } = await bench.run(["--container", victim.name, ...args]);
      expect(stderr).toContain(`Refused, and the container ${victim.name} was not touched`);
      expect(stderr).toContain(message);
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    }
    expect(await victim.state()).toBe(before);
    await bench.expectNothingLeft();
  });

  test("is refused while somebody else is connected, and told who", async () => {
    await using victim = await Victim.start("--label", "deby.chaos=allow");
    await using bench = await OutageBench.make();
    const before = await victim.state();
    const sql = victim.connect();
    await sql`set application_name = 'payroll'`;
    const { exitCode, stderr } = await bench.run(["--container", victim.name]);
    await sql.end();
    expect(stderr).toContain("others are connected to it: payroll (postgres, ");
    expect(exitCode).toBe(2);
    expect(await victim.state()).toBe(before);
    await bench.expectNothingLeft();
  });

  test("is refused while somebody follows its log, such as a standby", async () => {
    await using victim = await Victim.start("--label", "deby.chaos=allow");
    await using bench = await OutageBench.make();
    const before = await victim.state();
    const sql = victim.connect({ application_name: "standby1", replication: "database" });
    await sql.unsafe("IDENTIFY_SYSTEM").simple();
    const { exitCode, stderr } = await bench.run(["--container", victim.name]);
    await sql.end();
    expect(stderr).toContain("others are connected to it: standby1 (postgres, ");
    expect({ exitCode, state: await victim.state() }).toEqual({ exitCode: 2, state: before });
  });

  test.each([
    ["would take its data along", ["--rm"], "", "it was started with --rm"],
    ["would lose them from memory", ["--tmpfs", "/var/lib/postgresql"], "", "its data lies in memory (tmpfs on "],
    [
      "would lose some",
      ["--mount", "type=tmpfs,dst=/var/lib/postgresql/data"],
      "",
      "its data lies in memory (tmpfs on ",
    ],
    ["is another's", [], '[ "$1" = exec ] && { echo 1; exit 0; }', "another server than its own answers on 127.0.0.1:"],
  ])("is refused where what a stop %s", async (_, options, misbehaviour, message) => {
    await using victim = await Victim.start("--label", "deby.chaos=allow", ...options);
    await using bench = await OutageBench.make(misbehaviour);
    const before = await victim.state();
    const { exitCode, stderr } = await bench.run(["--container", victim.name]);
    expect(stderr).toContain(`Refused, and the container ${victim.name} was not touched: ${message}`);
    expect({ exitCode, state: await victim.state() }).toEqual({ exitCode: 2, state: before });
  });

  test("wrong-password is refused where healing would need the password: nothing expires, other faults are done", async () => {
    const locked = ["--env", "POSTGRES_INITDB_ARGS=--auth-local=scram-sha-256"];
    await using victim = await Victim.start("--label", "deby.chaos=allow", ...locked);
    await using bench = await OutageBench.make();
    const before = await victim.state();
    const refused = await bench.run(["--container", victim.name, "--scenario=wrong-password", ...SHORT]);
    expect(refused.stderr).toContain("The scenario wrong-password is refused, and nothing was touched");
    expect(refused.stderr).toContain("no password supplied");
    expect(refused.stderr).toContain("local all postgres trust");
    expect({ ...refused, state: await victim.state() }).toMatchObject({ exitCode: 2, stdout: "", state: before });
    expect(await victim.login()).toBe(true);
    await bench.expectNothingLeft();

    const ended = await bench.run(["--container", victim.name, "--scenario=terminate-backends", ...SHORT]);
    expect(ended).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ["stop", ["--label", "deby.chaos=allow"], () => []],
    ["kill", [], (name: string) => ["--confirm", name]],
  ] as const)("%s with its owner's word: it is broken, healed and kept, twice", async (scenario, options, confirm) => {
    await using victim = await Victim.start(...options);
    await using bench = await OutageBench.make();
    const before = await victim.state();
    for (let run = 0; run < 2; run++) {
      const flags = ["--container", victim.name, "--scenario", scenario, "--json", ...confirm(victim.name), ...SHORT];
      const { exitCode, stdout, stderr } = await bench.run(flags);
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(JSON.parse(stdout)).toMatchObject({ verdict: "kept", writes: { lost: 0, duplicated: 0 } });
      await bench.expectNothingLeft();
    }
    expect(await victim.state()).not.toBe(before);
    expect(await victim.login()).toBe(true);
  });

  test.each([
    ["stop", "SIGKILL", ""],
    ["pause", "SIGKILL", ""],
    ["wrong-password", "SIGKILL", ""],
    ["pause", "SIGINT twice", FREEZES_LATE],
  ] as const)("%s and %s of deby in mid-outage: it is healed nevertheless", async (scenario, signal, misbehaviour) => {
    await using victim = await Victim.start("--label", "deby.chaos=allow");
    await using bench = await OutageBench.make(misbehaviour);
    const deby = await bench.start(["--container", victim.name, "--scenario", scenario, "--warmup=1s", "--outage=60s"]);
    await deby.waitForLine(/verified;/, REACHED_WITHIN_MS);
    expect(await Promise.race([victim.login(), Bun.sleep(1_000).then(() => false)])).toBe(false);
    if (signal === "SIGKILL") deby.kill("SIGKILL");
    else {
      deby.kill("SIGINT");
      await deby.waitForLine(/interrupted: healing/);
      deby.kill("SIGINT");
    }
    await deby.waitForExit(ENDED_WITHIN_MS);
    await bench.waitForWatchdog(ENDED_WITHIN_MS);
    expect(await victim.state()).toEndWith(" true false");
    await waitUntil("it takes logins", () => victim.login(), { deadlineMs: 10_000 });
    await bench.expectNothingLeft();
  });

  test("a pause that did not take is exit 3, with nothing to heal", async () => {
    await using victim = await Victim.start("--label", "deby.chaos=allow");
    await using bench = await OutageBench.make('[ "$1" = pause ] && exit 0');
    const { exitCode, stderr } = await bench.run(["--container", victim.name, "--scenario=pause", ...LONGER]);
    expect(stderr).toContain("the server is not frozen");
    expect({ exitCode, state: await victim.state() }).toEqual({
      exitCode: 3,
      state: expect.stringMatching(/ true false$/),
    });
    await bench.expectNothingLeft();
  });

  test("a pause that somebody has undone by hand needs no healing any more", async () => {
    await using victim = await Victim.start("--label", "deby.chaos=allow");
    await using bench = await OutageBench.make();
    const deby = await bench.start(["--container", victim.name, "--scenario=pause", ...LONGER]);
    await deby.waitForLine(/verified;/, REACHED_WITHIN_MS);
    await docker("unpause", victim.name);
    const { exitCode, stderr } = await deby.waitForExit(60_000);
    expect(stderr).not.toContain("is not paused");
    expect(exitCode).toBeOneOf([0, 1]);
    await bench.expectNothingLeft();
  });

  test("a stop that outlives deby is waited for before it is healed", async () => {
    await using victim = await Victim.start("--label", "deby.chaos=allow");
    await using bench = await OutageBench.make('[ "$1" = stop ] && sleep 5');
    const deby = await bench.start(["--container", victim.name, "--warmup=1s", "--outage=60s"]);
    await deby.waitForLine(/breaking the database/, REACHED_WITHIN_MS);
    await waitUntil("the stop is under way", () => bench.processes(`stop\0--time\0`).length > 0);
    deby.kill("SIGKILL");
    await deby.waitForExit(5_000);
    await bench.waitForWatchdog(ENDED_WITHIN_MS);
    expect(bench.calls().map(({ args }) => args[0])).toContain("stop");
    // What is asked for again after the watchdog's end would not be healed by anybody.
    expect(bench.processes(`stop\0--time\0`)).toEqual([]);
    expect(await victim.state()).toEndWith(" true false");
    await bench.expectNothingLeft();
  });

  test("compose: finds the project's Postgres by its labels", async () => {
    await using bench = await OutageBench.make();
    const labels = { "project.working_dir": bench.path, service: "db" };
    const options = Object.entries(labels).flatMap(([name, value]) => [
      "--label",
      `com.docker.compose.${name}=${value}`,
    ]);
    await using victim = await Victim.start(...options, "--label", "deby.chaos=allow");
    const { exitCode, stdout, stderr } = await bench.run([
      "--target=compose",
      "--scenario=restart",
      "--json",
      ...SHORT,
    ]);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(stdout) as OutageReport).toMatchObject({ target: "compose", verdict: "kept" });
    expect(await victim.login()).toBe(true);
    await bench.expectNothingLeft();
  });
});
