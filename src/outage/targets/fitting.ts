import { DebyError } from "../../errors.ts";
import type { TargetName } from "./choose.ts";

export interface TargetFlags {
  readonly target: TargetName;
  readonly container: string | undefined;
  readonly service: string | undefined;
  readonly proxyPort: number | undefined;
}

/** What names another target than the one that was asked for is no detail to be passed over. @throws DebyError USAGE */
export function requireFitting({ target, container, service, proxyPort }: TargetFlags): void {
  refuseUnless(container, "--container", { target, fits: ["auto", "docker", "compose"] });
  refuseUnless(service, "--service", { target, fits: ["compose", "service"] });
  refuseUnless(proxyPort, "--proxy-port", { target, fits: ["proxy"] });
}

function refuseUnless(
  value: unknown,
  flag: string,
  { target, fits }: { readonly target: TargetName; readonly fits: readonly TargetName[] },
): void {
  if (value === undefined || fits.includes(target)) return;
  throw new DebyError("USAGE", `${flag} does not go with --target ${target}, but with ${fits.join(", ")}`);
}
