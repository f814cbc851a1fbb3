import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../../..");
const FOLDER = join(ROOT, ".github/workflows");

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly shell?: string;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string | readonly string[];
  readonly steps?: readonly Step[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly "timeout-minutes"?: number;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

function readWorkflow(name: string): Workflow {
  return Bun.YAML.parse(readFileSync(join(FOLDER, name), "utf8")) as Workflow;
}

const names = readdirSync(FOLDER);

test.each(names)("%s takes actions by their major version, with no rights but to read", (name) => {
  const { jobs, permissions } = readWorkflow(name);
  expect(permissions).toEqual({ contents: "read" });
  for (const job of Object.values(jobs)) {
    if (job.uses !== undefined) expect(existsSync(join(ROOT, job.uses))).toBe(true);
    else expect(job["timeout-minutes"]).toBeGreaterThan(0);
    for (const { uses } of job.steps ?? []) if (uses !== undefined) expect(uses).toMatch(/^actions\/[a-z-]+@v\d+$/);
  }
});

test.each(names)("%s has scripts that their shells can read, and names only files that exist", (name) => {
  const steps = Object.values(readWorkflow(name).jobs).flatMap((job) => job.steps ?? []);
  for (const { run = "", shell = "sh" } of steps) {
    for (const [path] of run.matchAll(/(?<!\S)(scripts|\.ci)\/\S+/g)) expect(existsSync(join(ROOT, path))).toBe(true);
    if (shell === "pwsh") continue;
    const { exitCode, stderr } = Bun.spawnSync(["sh", "-n"], { stdin: Buffer.from(run) });
    expect(stderr.toString()).toBe("");
    expect(exitCode).toBe(0);
  }
});

test("ci.yml runs .ci/run for every push and pull request", () => {
  const { on, jobs } = readWorkflow("ci.yml");
  expect(Object.keys(on)).toEqual(["push", "pull_request", "workflow_call"]);
  expect(jobs["check"]?.steps?.at(-1)?.run).toBe(".ci/run");
});

test("release.yml publishes what a tag built only after all tests and all systems", () => {
  const { on, jobs } = readWorkflow("release.yml");
  expect(on).toEqual({ push: { tags: ["v*"] } });
  expect(jobs["publish"]?.needs).toEqual(["test", "try"]);
  expect(jobs["try"]?.needs).toBe("build");
  expect(jobs["test"]?.uses).toBe("./.github/workflows/ci.yml");
  const writers = Object.entries(jobs).filter(([, { permissions }]) => permissions !== undefined);
  expect(writers.map(([name]) => name)).toEqual(["publish"]);
  const builds = jobs["build"]?.steps?.filter(({ run = "" }) => run.includes("build.ts --all")) ?? [];
  expect(builds).toHaveLength(2);
  expect(builds[1]?.run).toContain("diff dist/SHA256SUMS");
});
