import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/core/clock.ts";
import { type JournalEntry, writeJournal } from "../../../src/outage/journal.ts";
import { repair, repairLeftovers } from "../../../src/outage/repair.ts";
import { thisMachine } from "../../../src/outage/this-machine.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const ENTRY: JournalEntry = {
  runId: "12345678",
  pid: 42,
  startedAt: "2026-01-01T00:00:00.000Z",
  target: "container db",
  scenario: "stop",
  heal: [],
  remove: [],
  folders: [],
  processes: [],
};

const shell = (script: string) => ["sh", "-c", script];

test.skipIf(process.platform === "win32")(
  "repair() ends the run's processes and removes its folders, no others",
  async () => {
    await using temp = makeTempFolder("repair");
    const folder = join(temp.path, "deby-outage-12345678-serve");
    const other = join(temp.path, "deby-outage-87654321-serve");
    mkdirSync(folder);
    mkdirSync(other);
    const script = `sleep 60 & echo ready; wait; : ${temp.path}`;
    await using left = Bun.spawn(shell(script), { detached: true, stdout: "pipe" });
    // From here on its group has two processes.
    await left.stdout.getReader().read();
    const { done, failures } = await repair({ ...ENTRY, processes: [script], folders: [folder, other] }, systemClock);
    expect(done).toEqual([`end the process ${script}`, `remove the folder ${folder}`]);
    expect(failures).toEqual([`remove the folder ${other}: This is no folder of a run`]);
    await left.exited;
    process.kill(-left.pid, "SIGKILL");
    expect(left.signalCode).toBe("SIGKILL");
    expect([existsSync(folder), existsSync(other)]).toEqual([false, true]);
  },
);

test.skipIf(process.platform === "win32")(
  "repair() heals until the healing holds, although the first attempt is undone",
  async () => {
    await using temp = makeTempFolder("repair");
    const state = join(temp.path, "state");
    const count = join(temp.path, "count");
    await Bun.write(state, "down");
    // The first start is followed by the stop that the killed run had asked for.
    const start = `echo x >> ${count}; echo up > ${state}; [ $(wc -l < ${count}) = 1 ] && (sleep 0.5; echo down > ${state}) & true`;
    const { done, failures } = await repair(
      { ...ENTRY, heal: [shell(start)], healed: { command: ["cat", state], prints: "up", after: [] } },
      systemClock,
    );
    expect({ done, failures }).toEqual({ done: [`sh -c ${start}`], failures: [] });
    expect(readFileSync(state, "utf8")).toBe("up\n");
    expect(readFileSync(count, "utf8")).toBe("x\nx\n");
  },
  15_000,
);

test.skipIf(process.platform === "win32")("repair() tells what it could not remove", async () => {
  const start = shell("echo already started >&2; exit 1");
  expect(await repair({ ...ENTRY, heal: [start] }, systemClock)).toMatchObject({ done: [], failures: [] });
  const words = shell("echo device is busy >&2; exit 1");
  const { failures } = await repair({ ...ENTRY, remove: [words] }, systemClock);
  expect(failures).toEqual([`${words.join(" ")}: device is busy`]);
});

test.skipIf(process.platform === "win32")(
  "repair() insists on what healing does not undo, although the server takes it only later",
  async () => {
    await using temp = makeTempFolder("repair");
    const count = join(temp.path, "count");
    const alter = shell(
      `echo x >> ${count}; [ $(wc -l < ${count}) -ge 3 ] || { echo the system is starting up >&2; exit 1; }`,
    );
    const healed = { command: ["echo", "up"], prints: "up", after: [] };
    const { done, failures } = await repair({ ...ENTRY, heal: [], healed, restore: [alter] }, systemClock);
    expect({ last: done.at(-1), failures }).toEqual({ last: alter.join(" "), failures: [] });
    expect(readFileSync(count, "utf8")).toBe("x\nx\nx\n");
  },
  15_000,
);

test.skipIf(process.platform === "win32")(
  "repair() speaks to the engine that the run spoke to, and gives up at once on what is not there any more",
  async () => {
    const environment = { DOCKER_HOST: "tcp://engine.example:2375", DOCKER_CONTEXT: null };
    const say = shell('echo "Error: No such object: db at $DOCKER_HOST$DOCKER_CONTEXT" >&2; exit 1');
    const healed = { command: say, prints: "true", after: [] };
    const entry = { ...ENTRY, heal: [say], healed, restore: [say], environment };
    const startedAt = performance.now();
    process.env["DOCKER_CONTEXT"] = "chosen-meanwhile";
    const { done, failures } = await repair(entry, systemClock);
    delete process.env["DOCKER_CONTEXT"];
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(done).toEqual([]);
    expect(failures).toHaveLength(2);
    for (const failure of failures) expect(failure).toEndWith("No such object: db at tcp://engine.example:2375");
  },
);

test.skipIf(process.platform === "win32")(
  "repair() waits for what the killed run had asked for: a removal, and what is being made",
  async () => {
    await using temp = makeTempFolder("repair");
    const [count, made] = [join(temp.path, "count"), join(temp.path, "made")];
    const name = `deby-outage-${temp.path}`;
    const removal = `echo x >> ${count}; [ $(wc -l < ${count}) -ge 3 ] && echo No such container || echo removal is already in progress`;
    // Longer than something may take to appear that nobody is making.
    const making = Bun.spawn(["sh", "-c", `sleep 4; : > ${made}`, "sh", "--name", name, "image"]);
    const commands = [
      [...shell(`{ ${removal}; } >&2; exit 1`), "removed by another"],
      [...shell(`rm ${made} && echo removed || { echo No such container >&2; exit 1; }`), name],
    ];
    const repairs = commands.map((words) => repair({ ...ENTRY, remove: [words] }, systemClock));
    const [removedByAnother, removedByUs] = await Promise.all(repairs);
    await making.exited;
    expect(removedByAnother).toMatchObject({ done: [], failures: [] });
    expect(removedByUs).toMatchObject({ done: [commands[1]?.join(" ")], failures: [] });
    expect(readFileSync(count, "utf8").length).toBeGreaterThanOrEqual("x\n".length * 3);
    expect(existsSync(made)).toBe(false);
  },
  30_000,
);

test("repairLeftovers() leaves alone what ran on another machine that has the same folder", async () => {
  await using temp = makeTempFolder("repair");
  const before = process.env["XDG_STATE_HOME"];
  process.env["XDG_STATE_HOME"] = temp.path;
  try {
    const marker = join(temp.path, "removed");
    const remove = [shell(`echo x > ${marker}; echo removed`)];
    const elsewhere = await writeJournal({ ...ENTRY, machine: "another", remove });
    const [left] = await repairLeftovers(systemClock);
    expect(left).toMatchObject({ keptNote: elsewhere.path, failures: [expect.stringContaining("It ran on another,")] });
    expect([existsSync(marker), existsSync(elsewhere.path)]).toEqual([false, true]);
    await elsewhere.erase();
    const here = await writeJournal({ ...ENTRY, machine: thisMachine(), remove });
    expect(await repairLeftovers(systemClock)).toMatchObject([{ failures: [] }]);
    expect([existsSync(marker), existsSync(here.path)]).toEqual([true, false]);
  } finally {
    if (before === undefined) delete process.env["XDG_STATE_HOME"];
    else process.env["XDG_STATE_HOME"] = before;
  }
});
