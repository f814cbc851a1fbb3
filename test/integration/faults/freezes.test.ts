import { frozenAtRest, frozenAtWork, frozenServer } from "./freeze-faults.ts";
import { testFaults } from "./suite.ts";

testFaults([{ fault: frozenServer }, { fault: frozenAtWork }, { fault: frozenAtRest }]);
