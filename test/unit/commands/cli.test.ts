import { expect, test } from "bun:test";
import { runCli } from "../../../src/commands/cli.ts";
import { fakeIo } from "./fake-io.ts";

test.each([[[]], [["--help"]], [["-h"]], [["help"]]])(
  "deby %p prints what to type first, and succeeds",
  async (argv) => {
    const io = fakeIo();
    expect(await runCli(argv, io)).toBe(0);
    expect(io.out()).toContain("deby check");
    expect(io.out()).toContain("simulate-outage");
    expect(io.err()).toBe("");
  },
);

test.each([[["serve", "--help"]], [["serve", "-h", "--nonsense"]], [["help", "serve"]]])(
  "deby %p prints the command's help on stdout, and succeeds",
  async (argv) => {
    const io = fakeIo();
    expect(await runCli(argv, io)).toBe(0);
    expect(io.out()).toContain("--pool-max <number>");
    expect(io.out()).toContain("(default 20)");
    expect(io.err()).toBe("");
  },
);

test.each([100, 60])("help fits into %p columns, as far as its words do", async (columns) => {
  const io = fakeIo({ columns });
  await runCli(["serve", "--help"], io);
  const tooLong = io
    .out()
    .split("\n")
    .filter((line) => line.length > columns && line.includes("  "));
  expect(tooLong.filter((line) => !/https?:|postgres:|--target-session-attrs|deby serve/.test(line))).toEqual([]);
});

test("help is bold on a terminal only, and not where NO_COLOR says anything", async () => {
  const headingOf = async (options: Parameters<typeof fakeIo>[0]) => {
    const io = fakeIo(options);
    await runCli([], io);
    return io.out().includes("\u001B[1m");
  };
  expect(await headingOf({ isTTY: true })).toBe(true);
  expect(await headingOf({ isTTY: false })).toBe(false);
  expect(await headingOf({ isTTY: true, env: { NO_COLOR: "yes" } })).toBe(false);
  expect(await headingOf({ isTTY: true, env: { NO_COLOR: "" } })).toBe(true);
});

test.each([
  [["serv"], 'deby: Unknown command "serv"; did you mean serve?\nSee deby --help\n'],
  [["--pool-max", "3"], "deby: A command comes before its flags: deby <command> --pool-max\nSee deby --help\n"],
  [["serve", "--pol-max", "3"], "deby: Unknown flag --pol-max; did you mean --pool-max?\nSee deby serve --help\n"],
  [["serve", "stray"], 'deby: Unexpected argument "stray"\nSee deby serve --help\n'],
  [["serve", "--json"], "deby: --json needs --print-config\nSee deby serve --help\n"],
  [["serve", "--pool-max", "x"], /^deby: pool-max must be a whole number .* received "x" \(--pool-max\)\n$/],
])("deby %p is refused on stderr with exit code 2", async (argv, message) => {
  const io = fakeIo();
  expect(await runCli(argv, io)).toBe(2);
  if (typeof message === "string") expect(io.err()).toBe(message);
  else expect(io.err()).toMatch(message);
  expect(io.out()).toBe("");
});

test("an error is one JSON object where the log is JSON", async () => {
  const io = fakeIo({ env: { DEBY_LOG_FORMAT: "json" } });
  expect(await runCli(["serve", "--port=x"], io)).toBe(2);
  expect(JSON.parse(io.err())).toMatchObject({ level: "error", event: "command.failed", code: "CONFIG_INVALID" });
});

test("an unexpected error exits 1 and shows its stack at the level debug only", async () => {
  const failing = { onSignals: () => fail(), stdout: { write: () => fail() } };
  const fail = () => {
    throw new TypeError("out of luck");
  };
  const io = { ...fakeIo(), ...failing };
  expect(await runCli(["serve", "--print-config"], io)).toBe(1);
  expect(io.err()).toBe("deby: Unexpected error: out of luck\nRun it again with --log-level debug for the stack\n");
  const verbose = { ...fakeIo(), ...failing };
  expect(await runCli(["serve", "--print-config", "--log-level=debug"], verbose)).toBe(1);
  expect(verbose.err()).toMatch(/^deby: Unexpected error: out of luck\nTypeError: out of luck\n +at /);
});
