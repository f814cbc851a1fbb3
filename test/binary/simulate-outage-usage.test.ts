import { expect, test } from "bun:test";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { isCi } from "../support/ci.ts";
import { debyExecutable, runDeby } from "../support/executable.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { waitUntil, within } from "../support/wait-until.ts";

const refused: readonly (readonly [args: readonly string[], message: string, env?: Record<string, string>])[] = [
  [["--scenario", "stopp"], 'No such scenario: "stopp"; did you mean stop?'],
  [["--target", "cloud"], '--target must be auto, docker, compose, embedded, proxy or service, received "cloud"'],
  [["--outage", "10"], "--outage must be a duration from 1s to 1h, written with its unit like 250ms"],
  [["--rate", "0"], '--rate must be a whole number from 1 to 2000, received "0"'],
  [["--writes", "0.3"], "--writes must be a percentage from 1% to 100%"],
  [["--seed", "-1"], "--seed must be a whole number"],
  [["--image", "--privileged"], "--image needs a value"],
  [["--image=--privileged"], "image must be the name of a Docker image"],
  [["--report", "pdf=x"], "--report must be json=FILE, md=FILE, html=FILE or junit=FILE"],
  [["--report", "json=/nowhere/at/all/report.json"], "there is no writable folder /nowhere/at/all"],
  [["--report", "json=a,junit=a"], "--report names the file"],
  [["--report", "html=."], "--report cannot be written: . is a folder"],
  [["--repeat", "0"], '--repeat must be a whole number from 1 to 1000, received "0"'],
  [["--slo", "ttr"], 'Not an objective: "ttr"'],
  [["--slo", "lost==0", "--slo", "speed<1s"], 'No such figure: "speed"'],
  [["--scenario", "stop,kil"], 'No such scenario: "kil"; did you mean kill?'],
  [[], "NODE_ENV is production", { NODE_ENV: "production" }],
];

test.each(refused)("simulate-outage %j is refused with exit code 2", async (args, message, env = {}) => {
  const { exitCode, stdout, stderr } = await runDeby(["simulate-outage", ...args], { env });
  expect(stderr).toContain(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
});

test("--scenario list shows what there is", async () => {
  const { exitCode, stdout } = await runDeby(["simulate-outage", "--scenario", "list"]);
  expect(stdout).toMatch(/^stop +the server is shut down in an orderly way/);
  expect(exitCode).toBe(0);
});

test.skipIf(!isCi && Bun.which("docker") === null)(
  "without an engine: exit 3 and the way out, in the files too",
  async () => {
    const env = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
    await using folder = makeTempFolder("no-engine");
    const reports = "junit=r.xml,json=r.json,md=r.md,html=r.html";
    const args = ["simulate-outage", "--target", "docker", "--report", reports];
    const { exitCode, stdout, stderr } = await runDeby(args, { env, cwd: folder.path });
    const file = (name: string) => readFileSync(join(folder.path, name), "utf8");
    expect(file("r.xml")).toMatch(/<error message="Cannot reach the Docker engine/);
    expect(JSON.parse(file("r.json"))).toMatchObject({ verdict: "incomplete", summary: [{ scenario: "stop" }] });
    for (const name of ["r.md", "r.html"]) expect(file(name)).toContain("Cannot reach the Docker engine");
    expect(stderr).toContain("Cannot reach the Docker engine");
    expect(stderr).toMatch(/systemctl start docker|Docker Desktop/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
  },
);

test.skipIf(!isCi && Bun.which("docker") === null)("an engine on another machine is no target: exit 3", async () => {
  const env = { DOCKER_HOST: "tcp://db.example:2375" };
  for (const args of [
    ["--target", "docker"],
    ["--container", "db", "--confirm", "db"],
  ]) {
    const { exitCode, stderr } = await runDeby(["simulate-outage", ...args], { env });
    expect(stderr).toContain("The Docker engine is on another machine (tcp://db.example:2375)");
    expect(exitCode).toBe(3);
  }
});

test("without the docker command: exit 3 and the way out", async () => {
  await using folder = makeTempFolder("no-docker");
  // The command that the tests start deby with.
  const setpriv = Bun.which("setpriv");
  if (setpriv !== null) symlinkSync(setpriv, join(folder.path, "setpriv"));
  const { exitCode, stderr } = await runDeby(["simulate-outage", "--target", "docker"], { env: { PATH: folder.path } });
  expect(stderr).toContain("Cannot find the docker command: install it");
  expect(exitCode).toBe(3);
});

/** Runs deby at a terminal; types each answer once the question before it has come, and reads until the last words have. */
async function runAtTerminal(args: readonly string[], typed: string, lastWords: string) {
  const executable = await debyExecutable();
  await using folder = makeTempFolder("terminal");
  const decoder = new TextDecoder();
  let shown = "";
  const { PATH = "" } = process.env;
  const child = Bun.spawn([executable, "simulate-outage", ...args], {
    cwd: folder.path,
    env: { PATH, HOME: folder.path, TMPDIR: folder.path, NO_COLOR: "1", DOCKER_HOST: "unix:///nowhere/docker.sock" },
    terminal: {
      cols: 120,
      rows: 30,
      data(terminal, bytes) {
        const wasAsked = shown.includes("[y/N]");
        shown += decoder.decode(bytes, { stream: true });
        if (!wasAsked && shown.includes("[y/N]")) terminal.write(typed);
      },
    },
  });
  await within("the end of deby", 20_000, child.exited);
  await waitUntil(lastWords, () => shown.includes(lastWords));
  child.terminal?.close();
  return { exitCode: child.exitCode, signal: child.signalCode, shown };
}

const FOREIGN = ["--container", "db", "--confirm", "db"];
const QUESTION = "This breaks the container db: stop, with outages of 10s. Go on? [y/N] ";

test.skipIf(process.platform === "win32").each([
  ["no", FOREIGN, "n\r", { exitCode: 2 }, "Not confirmed, and the container db was not touched"],
  ["the end of the input", FOREIGN, "\u0004", { exitCode: 2 }, "Not confirmed"],
  ["Ctrl-C", FOREIGN, "\u0003", { signal: "SIGINT" }, QUESTION],
  ["yes, and goes on", FOREIGN, "y\r", { exitCode: 3 }, "Cannot "],
] as const)("at a terminal it asks before it breaks what is not its own, and takes %s", async (...row) => {
  const [, args, typed, ending, message] = row;
  const result = await runAtTerminal(args, typed, message);
  expect(result.shown).toContain(QUESTION);
  expect(result).toMatchObject(ending);
});

test.skipIf(process.platform === "win32")("--yes goes on without asking", async () => {
  const { exitCode, shown } = await runAtTerminal([...FOREIGN, "--yes"], "n\r", "Cannot ");
  expect(shown).not.toContain("Go on?");
  expect({ exitCode, shown }).toMatchObject({ exitCode: 3 });
});
