import { exhausted, exhaustedAndEnded, SMALL_SERVER } from "./exhaustion-faults.ts";
import {
  allTerminated,
  databaseRenamed,
  passwordChanged,
  passwordChangedAndEnded,
  terminatedInTransaction,
} from "./session-faults.ts";
import { testFaults } from "./suite.ts";

testFaults(
  [
    { fault: allTerminated },
    { fault: terminatedInTransaction },
    { fault: passwordChanged },
    { fault: passwordChangedAndEnded },
    { fault: databaseRenamed },
    { fault: exhausted },
    { fault: exhaustedAndEnded },
  ],
  SMALL_SERVER,
);
