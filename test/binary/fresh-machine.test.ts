import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { inBareRoot, makeBareRoot, missingForBareRoot } from "../support/bare-root.ts";
import { ChildOutput } from "../support/child-output.ts";
import { isCi } from "../support/ci.ts";
import type { TempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Where the first command listens, as README says. */
const URL = "http://127.0.0.1:5000";

const HOOK_LIMIT_MS = 120_000;

/** Of each kind one: without a server, with servers of the newcomer's own, with a browser's or an engine's absence. */
const SAMPLE = [
  "test/unit",
  "test/integration/health.test.ts",
  "test/integration/database/outage.test.ts",
  "test/binary/serve-lifecycle.test.ts",
  "test/binary/simulate-outage.test.ts",
].join(" ");

const missing = missingForBareRoot();

/** Ends the first process inside, whose end is that of all others; unshare itself passes no signal on. */
function endInside(unshare: number): void {
  const children = readFileSync(`/proc/${unshare}/task/${unshare}/children`, "utf8").trim();
  for (const pid of children.split(" ").filter(Boolean)) process.kill(Number(pid), "SIGTERM");
}

describe.skipIf(!isCi && missing.length > 0)("a machine with git, Node, npm and a shell, and nothing else", () => {
  let root: TempFolder;
  beforeAll(() => {
    root = makeBareRoot();
  }, HOOK_LIMIT_MS);
  // Tens of thousands of files.
  afterAll(() => root[Symbol.asyncDispose](), HOOK_LIMIT_MS);

  function run(user: "root" | "newcomer", script: string) {
    const output = new ChildOutput();
    const child = Bun.spawn(inBareRoot(root.path, user, script), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const read = [output.collect("stdout", child.stdout), output.collect("stderr", child.stderr)];
    const exited = Promise.all([child.exited, ...read]).then(() => child.exitCode);
    return { output, child, exited };
  }

  test.each(["root", "newcomer"] as const)(
    "as %s, a fresh clone and README's first command end with a running server on the embedded database",
    async (user) => {
      const { output, child, exited } = run(
        user,
        `cd && git clone -q /source-${user} deby && cd deby && exec scripts/start.sh`,
      );
      try {
        const isConnected = async () => {
          if (child.exitCode !== null) return "ended";
          const response = await fetch(`${URL}/api/health`).catch(() => undefined);
          return (await response?.text())?.includes('"status":"ok","database":"connected"') && "connected";
        };
        const end = await waitUntil("health tells connected", isConnected, { deadlineMs: 270_000, everyMs: 200 });
        expect(`${end}\n${end === "ended" ? output.lines.join("\n") : ""}`).toBe("connected\n");
        await output.waitForLine(
          /Try next/,
          10_000,
          0,
          exited.then(() => undefined),
        );
      } finally {
        endInside(child.pid);
        await exited;
      }
    },
    300_000,
  );

  test("as root, README's second command runs: the unit tests pass", async () => {
    const { output, exited } = run("root", "cd && cd deby && exec scripts/test.sh test/unit");
    expect(`${await exited}\n${output.lines.filter((line) => /^\(fail\)/.test(line)).join("\n")}`).toBe("0\n");
  }, 300_000);

  test("as an ordinary user, README's second command runs: all kinds of tests pass, and what cannot run is named and counted", async () => {
    const { output, exited } = run("newcomer", `cd && cd deby && exec scripts/test.sh ${SAMPLE}`);
    expect(`${await exited}\n${output.lines.filter((line) => /^\(fail\)/.test(line)).join("\n")}`).toBe("0\n");
    expect(output.lines.some((line) => /^\(skip\) .*real engine/.test(line))).toBe(true);
    expect(output.lines.some((line) => /^ *\d+ skip$/.test(line))).toBe(true);
  }, 600_000);
});
