import {
  answersCut,
  oneSilent,
  readCutInMidResult,
  silence,
  silenceForAWhile,
  writeCutInMidResult,
} from "./silence-faults.ts";
import { testFaults } from "./suite.ts";

testFaults(
  [
    { fault: silence },
    { fault: silenceForAWhile },
    { fault: answersCut },
    { fault: oneSilent },
    { fault: readCutInMidResult },
    { fault: writeCutInMidResult },
  ],
  { version: 18 },
);
