import { expect } from "bun:test";
import { type Figures, median } from "./figures.ts";
import { tenKills, tenStops } from "./restart-faults.ts";
import { testFaults } from "./suite.ts";

const DETECTED_AT_MEDIAN_MS = 50;
/** The promise, unless a bare client takes longer by itself, which dials when all is well: then it is the machine. */
const RECOVERED_AT_MEDIAN_MS = 80;
const RECOVERED_AT_WORST_MS = 200;

function expectQuick({ detectMs, recoverMs, peerMs }: Figures): void {
  console.log(`a bare client: ${peerMs.map((ms) => ms.toFixed(0)).join(", ")} ms`);
  expect(recoverMs.length).toBe(10);
  expect(median(detectMs)).toBeLessThanOrEqual(DETECTED_AT_MEDIAN_MS);
  expect(median(recoverMs)).toBeLessThanOrEqual(Math.max(RECOVERED_AT_MEDIAN_MS, median(peerMs) ?? 0));
  expect(Math.max(...recoverMs)).toBeLessThanOrEqual(Math.max(RECOVERED_AT_WORST_MS, ...peerMs));
}

testFaults([
  { fault: tenStops, limitMs: 120_000, expectFigures: expectQuick },
  { fault: tenKills, limitMs: 120_000, expectFigures: expectQuick },
]);
