import { fastStop, flapping, killed, longerThanDeadline, startedLater } from "./restart-faults.ts";
import { testFaults } from "./suite.ts";

testFaults([
  { fault: fastStop },
  { fault: killed },
  { fault: longerThanDeadline },
  { fault: startedLater },
  { fault: flapping, limitMs: 120_000 },
]);
