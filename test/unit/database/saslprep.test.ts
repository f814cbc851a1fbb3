import { expect, test } from "bun:test";
import { saslPrep } from "../../../src/database/saslprep.ts";

test.each([
  ["plain ASCII, as it is", "p@ss w\tord", "p@ss w\tord"],
  ["a letter and its accent become one", "e\u0301", "é"],
  ["a ligature becomes its letters", "ﬁle", "file"],
  ["a space that is none of ASCII's becomes one", "a\u00a0b\u200bc", "a b c"],
  ["a soft hyphen becomes nothing", "soft\u00adhyphen", "softhyphen"],
  ["what may not be prepared stays as it is", "e\u0301\u0007", "e\u0301\u0007"],
  ["so does what Unicode 3.2 did not know", "ﬁ🔐", "ﬁ🔐"],
  ["what would be empty stays as it is", "\u00ad", "\u00ad"],
])("%s", (_, password, prepared) => {
  expect(saslPrep(password)).toBe(prepared);
});
