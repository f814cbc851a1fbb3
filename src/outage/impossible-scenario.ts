import { DebyError } from "../errors.ts";

/** A scenario that can have no meaning here, as opposed to a wrong word: of several it is left out. */
export class ImpossibleScenario extends DebyError {
  constructor(message: string) {
    super("USAGE", message);
  }
}
