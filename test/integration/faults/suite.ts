import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Fault } from "./fault.ts";
import { FIGURES_HEAD, type Figures } from "./figures.ts";
import { runFault } from "./run-fault.ts";
import { Stage, type StageOptions } from "./stage.ts";

export interface FaultTest {
  readonly fault: Fault;
  /** Longest duration of the test. Default 60 000. */
  readonly limitMs?: number;
  /** What is expected besides all that is expected of each fault. */
  readonly expectFigures?: (figures: Figures) => void;
}

/** One test for each fault, all on one server. */
export function testFaults(tests: readonly FaultTest[], options: StageOptions = {}): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(options);
    console.log(FIGURES_HEAD);
  });
  afterAll(() => stage[Symbol.asyncDispose]());
  for (const { fault, limitMs = 60_000, expectFigures } of tests) {
    test(
      fault.name,
      async () => {
        const { figures, broken } = await runFault(stage, fault);
        expect(broken).toEqual([]);
        expectFigures?.(figures);
      },
      limitMs,
    );
  }
}
