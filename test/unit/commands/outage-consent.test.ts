import { expect, test } from "bun:test";
import { requireConsent } from "../../../src/commands/outage-consent.ts";
import type { OutagePlan } from "../../../src/outage/run-outage.ts";
import { stop } from "../../../src/outage/scenarios/stop.ts";
import { type FakeIoOptions, fakeIo } from "./fake-io.ts";

const OWN = { target: "docker", container: undefined, service: undefined } as const;
const FOREIGN = { ...OWN, container: "db" } as const;

function consent(plan: Partial<OutagePlan>, options: FakeIoOptions, isGiven = false) {
  const io = fakeIo(options);
  // Nothing else of a plan is read.
  const plans = [{ scenario: stop, outageMs: 10_000, ...plan } as OutagePlan];
  return { io, given: requireConsent(plans, { io, isGiven }) };
}

test.each(["y", "Y", "yes", " yes \r"])("requireConsent() takes %j", async (typed) => {
  const { io, given } = consent(FOREIGN, { typed });
  await given;
  expect(io.err()).toBe("This breaks the container db: stop, with outages of 10s. Go on? [y/N] ");
});

test.each(["", "n", "no", "yep", "db"])("requireConsent() refuses %j, with what to do", async (typed) => {
  const { given } = consent(FOREIGN, { typed });
  const message = "Not confirmed, and the container db was not touched. To go on unasked: --yes";
  await expect(given).rejects.toMatchObject({ code: "USAGE", message });
});

test.each([
  ["--yes was given", FOREIGN, {}, true],
  ["what is broken is deby's own", OWN, {}, false],
  ["only deby's own traffic is cut", { ...OWN, target: "proxy" }, {}, false],
  ["a pipeline lends a terminal", FOREIGN, { CI: "true" }, false],
] as const)("requireConsent() does not ask where %s", async (_, plan, env, isGiven) => {
  const { io, given } = consent(plan, { typed: "no", env }, isGiven);
  await given;
  expect(io.err()).toBe("");
});

test("requireConsent() leaves it to label and name where nobody sits there", async () => {
  await consent(FOREIGN, {}).given;
});
