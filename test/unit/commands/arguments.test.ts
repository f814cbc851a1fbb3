import { expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { checkArguments } from "../../../src/commands/arguments.ts";

const args: ArgsDef = {
  action: { type: "positional", required: false },
  "pool-max": { type: "string", valueHint: "number" },
  "fail-on": { type: "enum", options: ["warn", "fail"] },
  "db-password-file": { type: "string" },
  canary: { type: "boolean" },
};

test.each([
  [
    ["--pool-max", "5"],
    ["--pool-max=5", "--"],
  ],
  [["--pool-max=5"], ["--pool-max=5", "--"]],
  [["--pool-max=a=b"], ["--pool-max=a=b", "--"]],
  [
    ["--pool-max", "-5"],
    ["--pool-max=-5", "--"],
  ],
  [["--canary"], ["--canary", "--"]],
  [["--canary=true"], ["--canary", "--"]],
  [["--canary=false"], ["--no-canary", "--"]],
  [["--no-canary"], ["--no-canary", "--"]],
  [
    ["--canary", "heal"],
    ["--canary", "--", "heal"],
  ],
  [
    ["--", "--canary"],
    ["--", "--canary"],
  ],
  [
    ["--fail-on", "warn"],
    ["--fail-on=warn", "--"],
  ],
  [
    ["--pool-max=5", "--pool-max", "5"],
    ["--pool-max=5", "--"],
  ],
])("checkArguments() turns %p into %p", (rawArgs, checked) => {
  expect(checkArguments(rawArgs, args)).toEqual(checked);
});

test.each([
  [["--pol-max", "5"], "Unknown flag --pol-max; did you mean --pool-max?"],
  [["--poolMax=5"], "Unknown flag --poolMax; did you mean --pool-max?"],
  [["--db-password", "x"], "Unknown flag --db-password; did you mean --db-password-file?"],
  [["--frobnicate"], "Unknown flag --frobnicate"],
  [["--no-pool-max"], "Unknown flag --no-pool-max"],
  [["--action", "x"], "Unknown flag --action"],
  [["--constructor"], "Unknown flag --constructor"],
  [["-c"], "Unknown flag -c"],
  [["--pool-max"], "--pool-max needs a value: --pool-max=<number>"],
  [["--pool-max="], "--pool-max needs a value: --pool-max=<number>"],
  [["--pool-max", "--canary"], "--pool-max needs a value: --pool-max=<number>"],
  [["--fail-on"], "--fail-on needs a value: --fail-on=<warn|fail>"],
  [["--fail-on", "never"], '--fail-on must be warn or fail, received "never"'],
  [["--canary=maybe"], '--canary must be true or false, received "maybe"'],
  [["--pool-max=5", "--pool-max=6"], "--pool-max is given twice with different values"],
  [["--canary", "--canary=false"], "--canary is given twice with different values"],
  [["heal", "more"], 'Unexpected argument "more"'],
])("checkArguments() refuses %p", (rawArgs, message) => {
  expect(() => checkArguments(rawArgs, args)).toThrow(expect.objectContaining({ code: "USAGE", message }));
});

test("checkArguments() asks for a positional that is not optional", () => {
  expect(() => checkArguments([], { name: { type: "positional" } })).toThrow("The argument <name> is missing");
});

test("checkArguments() joins the values of a flag that may be given several times", () => {
  const given = ["--pool-max=1", "--pool-max", "2", "--canary", "--pool-max=1"];
  expect(checkArguments(given, args, ["pool-max"])).toEqual(["--pool-max=1,2,1", "--canary", "--"]);
});
