import { expect, test } from "bun:test";
import { parseEnvFile, readEnvFile } from "../../../src/config/env-file.ts";

test("parseEnvFile() reads plain, exported, empty and spaced assignments", () => {
  const { variables, warnings } = parseEnvFile("A=1\nexport B=two\nC=\n  D = four words \n\n# E=5\n");
  expect(variables).toEqual({ A: "1", B: "two", C: "", D: "four words" });
  expect(warnings).toEqual([]);
});

test("parseEnvFile() keeps a # inside an unquoted value and takes one after white space for a comment", () => {
  const { variables } = parseEnvFile("A=ab#cd\nB=ab # cd\nC= # nothing\n");
  expect(variables).toEqual({ A: "ab#cd", B: "ab", C: "" });
});

test("parseEnvFile() expands nothing, and reads escapes in double quotes only", () => {
  const { variables } = parseEnvFile(`A='$HOME \\n'\nB="a\\n\\"b\\" \\$x" # comment\nC=$HOME\nD="C:\\Users"`);
  expect(variables).toEqual({ A: "$HOME \\n", B: 'a\n"b" $x', C: "$HOME", D: "C:\\Users" });
});

test("parseEnvFile() reads quoted values over several lines", () => {
  const { variables } = parseEnvFile("A=\"one\ntwo\"\nB='three\nfour'\nC=5\n");
  expect(variables).toEqual({ A: "one\ntwo", B: "three\nfour", C: "5" });
});

test("parseEnvFile() reads Windows line ends and a byte order mark", () => {
  expect(parseEnvFile("\uFEFFA=1\r\nB=2\r\n").variables).toEqual({ A: "1", B: "2" });
});

test("parseEnvFile() lets the last assignment of a name win", () => {
  expect(parseEnvFile("A=1\nA=2\n").variables).toEqual({ A: "2" });
});

test("parseEnvFile() tells which lines it skipped, without their text", () => {
  const { variables, warnings } = parseEnvFile("A='x\ny'\nnonsense\nB=\"secret\n=5\nC=3\n");
  expect(variables).toEqual({ A: "x\ny", C: "3" });
  expect(warnings).toEqual([
    ".env line 3 is not understood and was skipped",
    ".env line 4 is not understood and was skipped",
    ".env line 5 is not understood and was skipped",
  ]);
});

test("readEnvFile() has no text where there is no file", () => {
  expect(readEnvFile(".env", failing("ENOENT"))).toBeUndefined();
});

test.each([
  ["EACCES", "Cannot read .env: EACCES; make it readable or move it away"],
  ["EISDIR", "Cannot read .env: it is a directory; make it readable or move it away"],
])("readEnvFile() refuses a file that fails with %p", (code, message) => {
  expect(() => readEnvFile(".env", failing(code))).toThrow(message);
});

function failing(code: string) {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}
