import { afterAll, beforeAll, expect, test } from "bun:test";
import { fileURLToPath } from "node:url";
import { ChildOutput } from "../../support/child-output.ts";
import { waitUntil, within } from "../../support/wait-until.ts";
import { sessions } from "./aftermath.ts";
import { WORKERS } from "./load.ts";
import { Stage } from "./stage.ts";

const PROGRAM = fileURLToPath(import.meta.resolve("./close-program.ts"));

/** From SIGTERM to the end of the process: what is in flight has 200 ms, a polite end of a connection a second. */
const ENDED_WITHIN_MS = 3000;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** How the database is when the program closes, and the state that deby has to have told by then. */
const MOMENTS: readonly (readonly [string, (stage: Stage) => Promise<void>, string])[] = [
  ["all is well", async () => {}, "up"],
  ["the server is stopped", ({ server }) => server.stop(), "reconnecting"],
  ["the server is frozen", ({ server }) => server.freeze(), "up"],
  ["the network is silent", ({ proxy }) => proxy.setAll({ kind: "silence" }), "up"],
  ["the port is mute", ({ proxy }) => makeMute(proxy), "reconnecting"],
];

async function makeMute(proxy: Stage["proxy"]): Promise<void> {
  await proxy.setNew({ kind: "accept-and-mute" });
  proxy.resetAll();
}

test.each(MOMENTS)(
  "closed while %s, no timer and no socket is left: the process ends by itself",
  async (_, strike, state) => {
    await stage.restore();
    await using program = startProgram(stage.proxy.port);
    await program.waitForLine(/^state up$/);
    await waitUntil("all workers are at work", async () => (await sessions(stage.server)).atWork >= WORKERS / 2);
    await strike(stage);
    await program.waitForLine(new RegExp(`^state ${state}$`));
    program.child.kill("SIGTERM");
    await within("the program ends by itself", ENDED_WITHIN_MS, program.child.exited);
    expect(program.child.exitCode).toBe(0);
    await program.ended;
    expect(program.output.lines.at(-1)).toBe("closed with 0 connections");
    await stage.restore();
    await waitUntil("the server has no session left", async () => {
      const { pooled, probes } = await sessions(stage.server);
      return pooled.length + probes.length === 0;
    });
  },
);

function startProgram(port: number) {
  const child = Bun.spawn([process.execPath, PROGRAM, String(port)], { stdout: "pipe", stderr: "inherit" });
  const output = new ChildOutput();
  const ended = output.collect("stdout", child.stdout);
  return {
    child,
    ended,
    output,
    waitForLine: (pattern: RegExp) => output.waitForLine(pattern, 10_000, 0, ended),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
