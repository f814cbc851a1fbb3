import { expect, test } from "bun:test";
import { withoutVariables } from "../../../src/core/without-variables.ts";

test("withoutVariables() hides them from the work, and brings them back however it ends", () => {
  const name = "DEBY_TEST_HIDDEN";
  process.env[name] = "here";
  try {
    expect(withoutVariables(/^DEBY_TEST_/, () => [process.env[name], name in process.env])).toEqual([undefined, false]);
    expect(process.env[name]).toBe("here");
    const fail = () => withoutVariables(/^DEBY_TEST_/, () => JSON.parse("{"));
    expect(fail).toThrow();
    expect(process.env[name]).toBe("here");
    expect(withoutVariables(/^OTHER_/, () => process.env[name])).toBe("here");
  } finally {
    delete process.env[name];
  }
});
