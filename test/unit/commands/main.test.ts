import { expect, test } from "bun:test";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../../..");

test("deby --version prints version, commit and Bun's version", async () => {
  const { stdout, exitCode } = await runMain(["--version"]);
  expect(stdout).toMatch(/^deby \d+\.\d+\.\d+ \(commit \S+, Bun \d+\.\d+\.\d+\)\n$/);
  expect(exitCode).toBe(0);
});

test("deby passes a command's exit code on, with its error on stderr", async () => {
  const { stdout, stderr, exitCode } = await runMain(["serve", "--nonsense"]);
  expect(stderr).toStartWith("deby: Unknown flag --nonsense");
  expect(stdout).toBe("");
  expect(exitCode).toBe(2);
});

test("deby stays silent when the reader of its output goes away", async () => {
  const child = Bun.spawn(["sh", "-c", `"$0" --no-env-file src/main.ts serve --help | true`, process.execPath], {
    cwd: ROOT,
    stderr: "pipe",
  });
  expect(await child.stderr.text()).toBe("");
});

async function runMain(args: readonly string[]) {
  const child = Bun.spawn([process.execPath, "--no-env-file", "src/main.ts", ...args], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { stdout, stderr, exitCode: await child.exited };
}
