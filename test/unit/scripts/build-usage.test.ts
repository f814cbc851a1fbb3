import { expect, test } from "bun:test";
import { join } from "node:path";
import { TARGETS } from "../../../scripts/build/targets.ts";

const BUILD = join(import.meta.dir, "../../../scripts/build.ts");

function build(...args: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, BUILD, ...args]);
  return { exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

test("--help names every target and builds nothing", () => {
  const { exitCode, stdout } = build("--help");
  expect(exitCode).toBe(0);
  for (const { name } of TARGETS) expect(stdout).toContain(name);
});

test.each([
  [["--target", "linux-riscv64"], 'Unknown target "linux-riscv64"\nusage: '],
  [["--al"], "--al"],
  [["everything"], "everything"],
])("%j is refused with exit code 2 and the usage", (args, message) => {
  const { exitCode, stdout, stderr } = build(...args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).toContain("usage: bun run build");
  expect(stdout).toBe("");
});
