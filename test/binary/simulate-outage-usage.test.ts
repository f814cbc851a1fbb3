import { expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { isCi } from "../support/ci.ts";
import { runDeby } from "../support/executable.ts";
import { makeTempFolder } from "../support/temp-folder.ts";

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

test.skipIf(!isCi && Bun.which("docker") === null)("without an engine: exit 3 and the way out", async () => {
  const env = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
  const { exitCode, stdout, stderr } = await runDeby(["simulate-outage", "--target", "docker"], { env });
  expect(stderr).toContain("Cannot reach the Docker engine");
  expect(stderr).toMatch(/systemctl start docker|Docker Desktop/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
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
