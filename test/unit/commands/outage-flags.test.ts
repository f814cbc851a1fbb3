import { expect, test } from "bun:test";
import { readServerApplications } from "../../../src/commands/outage-flags.ts";

test("readServerApplications() has deby's own names for a server that is judged, those that are given, or none", () => {
  const server = "http://127.0.0.1:5000";
  expect(readServerApplications({ server })).toEqual(["deby", "deby-probe"]);
  expect(readServerApplications({ server, "server-application": "shop,shop-jobs" })).toEqual(["shop", "shop-jobs"]);
  expect(readServerApplications({})).toBeUndefined();
  expect(() => readServerApplications({ "server-application": "shop" })).toThrow("there is none");
  expect(() => readServerApplications({ server, "server-application": "shop," })).toThrow('received "shop,"');
});
