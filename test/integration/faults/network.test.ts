import { expect } from "bun:test";
import { median } from "./figures.ts";
import {
  acceptedAndClosed,
  acceptedAndMute,
  garbage,
  oneByteASecond,
  readResetInMidResult,
  refused,
  resetOfAll,
  writeResetInMidResult,
} from "./network-faults.ts";
import { testFaults } from "./suite.ts";

testFaults(
  [
    { fault: resetOfAll, expectFigures: ({ detectMs }) => expect(median(detectMs)).toBeLessThanOrEqual(50) },
    { fault: readResetInMidResult },
    { fault: writeResetInMidResult },
    { fault: refused },
    { fault: acceptedAndClosed },
    { fault: acceptedAndMute },
    { fault: garbage },
    { fault: oneByteASecond },
  ],
  { version: 18 },
);
