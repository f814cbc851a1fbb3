import { ownStall, slowStatements } from "./harmless-faults.ts";
import { testFaults } from "./suite.ts";

testFaults([{ fault: slowStatements }, { fault: ownStall }]);
