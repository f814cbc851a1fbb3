import { expect, test } from "bun:test";
import { plannedSlos, requireNoticeable, type SloPlan } from "../../../src/outage/planned-slos.ts";
import { netcut } from "../../../src/outage/scenarios/netcut.ts";
import { pause } from "../../../src/outage/scenarios/pause.ts";
import { stop } from "../../../src/outage/scenarios/stop.ts";
import { wrongPassword } from "../../../src/outage/scenarios/wrong-password.ts";
import { parseSlo } from "../../../src/outage/slo.ts";

const PLAN: SloPlan & { outageMs: number } = {
  scenario: stop,
  outageMs: 1_000,
  settleMs: 15_000,
  retryIntervalMs: 10_000,
  slos: [],
};
const planned = (changes: Partial<SloPlan>) => plannedSlos({ ...PLAN, ...changes }).map(({ expression }) => expression);

test("plannedSlos() has the scenario's own, how long settling may take, and what was wanted in their place", () => {
  expect(planned({})).toEqual([
    "ttd<3s",
    "appLag<2s",
    "lost==0",
    "duplicate==0",
    "unknown==0",
    "hung==0",
    "steady<=15s",
  ]);
  expect(planned({ scenario: wrongPassword })).toContain("appLag<12000ms");
  expect(planned({ slos: [parseSlo("unknown<=3")] })).toEqual(expect.arrayContaining(["unknown<=3", "lost==0"]));
  expect(planned({ slos: [parseSlo("unknown<=3")] })).not.toContain("unknown==0");
});

test.each([
  ["a stop, which closed connections tell of", {}],
  ["a silence that lasts", { scenario: pause, outageMs: 5_000 }],
  ["a short one that is to be noticed sooner", { scenario: netcut, slos: [parseSlo("ttd<1s")] }],
] satisfies [string, Partial<typeof PLAN>][])("requireNoticeable() takes %s", (_, changes) => {
  requireNoticeable({ ...PLAN, ...changes });
});

test.each([pause, netcut])("requireNoticeable() refuses a short $name, with what to do", (scenario) => {
  expect(() => requireNoticeable({ ...PLAN, scenario })).toThrow(
    `The scenario ${scenario.name} is noticed by missing answers only, and --outage 1s ends it before its objective ` +
      "ttd<5s is due: use --outage 5s or more, or another --slo",
  );
});
