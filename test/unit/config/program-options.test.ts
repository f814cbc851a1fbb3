import { describe, expect, test } from "bun:test";
import { flagsOfOptions } from "../../../src/config/program-options.ts";

describe("a program's options", () => {
  test("go by the names of flags, as the text that a user would have written", () => {
    const options = {
      databaseUrl: "postgres://h/d",
      dbPort: 5433,
      applicationName: "shop",
      poolMax: 5,
      retryDelays: ["1s", "250ms"],
      watchRatio: "3%",
      idleTimeout: undefined,
    };
    expect(flagsOfOptions(options)).toEqual({
      "db-url": "postgres://h/d",
      "db-port": "5433",
      "application-name": "shop",
      "pool-max": "5",
      "retry-delays": "1s,250ms",
      "watch-ratio": "3%",
    });
  });

  test("that nobody knows are refused, all at once, with what was probably meant", () => {
    expect(() => flagsOfOptions({ poolmax: 5, dbUrl: "postgres://h/d", frobnicate: 1 })).toThrow(
      `3 settings are not valid:
  - poolmax is not an option of deby; did you mean poolMax?
  - dbUrl is not an option of deby; did you mean databaseUrl?
  - frobnicate is not an option of deby`,
    );
  });

  test.each(["port", "routes", "canary", "embedded", "logLevel", "image"])(
    "have no %s, which is a server's",
    (name) => {
      expect(() => flagsOfOptions({ [name]: "1" })).toThrow(`${name} is not an option of deby`);
    },
  );

  test.each([
    [true, "a value of type boolean"],
    [null, "null"],
    [{ secret: 1 }, "a value of type object"],
  ])("that are %p are refused without being shown", (value, kind) => {
    expect(() => flagsOfOptions({ dbPassword: value })).toThrow(
      `option dbPassword must be text or a number, received ${kind}`,
    );
  });
});
