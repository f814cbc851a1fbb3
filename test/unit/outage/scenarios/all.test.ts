import { expect, test } from "bun:test";
import { findScenario, requirePossible, SCENARIOS } from "../../../../src/outage/scenarios/all.ts";
import { parseSlo } from "../../../../src/outage/slo.ts";
import { powersOf } from "../../../../src/outage/targets/choose.ts";

const HERE = { hasServer: false, platform: "linux" } as const;

test("every scenario of the list is there, in its order", () => {
  const names = SCENARIOS.map(({ name }) => name).join(" ");
  expect(names).toBe(
    "stop kill pause netcut reset refuse fin latency flap restart terminate-backends exhaust read-only wrong-password start-down",
  );
});

test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
  "%s states objectives that can be read, and excuses no lost, doubled, unknown or hung request",
  (_, scenario) => {
    const slos = [...scenario.slos, ...(scenario.slosFor?.({ retryIntervalMs: 10_000 }) ?? [])];
    const parsed = slos.map(parseSlo);
    for (const figure of ["lost", "duplicate", "unknown", "hung"] as const) {
      expect(parsed).toContainEqual({ expression: `${figure}==0`, figure, operator: "==", bound: 0 });
    }
    expect(parsed.some(({ figure }) => figure === "ttd")).toBe(scenario.expectsNoOutage !== true);
  },
);

test("silence is given 5 s to be noticed, and a wrong password the pause between two attempts", () => {
  for (const name of ["pause", "netcut"]) expect(findScenario(name).slos).toContain("ttd<5s");
  expect(findScenario("stop").slos).toContain("ttd<3s");
  expect(findScenario("wrong-password").slosFor?.({ retryIntervalMs: 10_000 })).toContain("appLag<12000ms");
});

test("a container can do all of them", () => {
  for (const scenario of SCENARIOS) requirePossible(scenario, "docker", powersOf("docker", HERE));
});

test("what a target cannot do is refused by name, with what it can do", () => {
  const refuse = () => requirePossible(findScenario("wrong-password"), "embedded", powersOf("embedded", HERE));
  expect(refuse).toThrow(expect.objectContaining({ code: "USAGE" }));
  expect(refuse).toThrow(/target embedded cannot do the scenario wrong-password. It can do: stop, kill, .*start-down$/);
});
