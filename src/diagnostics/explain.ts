import type { Check, OperatingSystem, Subject } from "./check.ts";
import { CATALOGUE, type CatalogueEntry } from "./remedies/catalogue.ts";
import type { Remedy } from "./remedies/trouble.ts";
import { remedyFor } from "./remedies.ts";

/** A trouble that has a name, as it is told to somebody who does not have it just now. */
export interface KnownTrouble {
  readonly check: string;
  readonly codes: readonly string[];
  readonly means: string;
  readonly remedy: Remedy;
}

export interface Explanation {
  readonly check: Check | undefined;
  readonly troubles: readonly KnownTrouble[];
}

/** The troubles of the catalogue with remedies for a database like everybody's. */
export function knownTroubles(os: OperatingSystem): KnownTrouble[] {
  return CATALOGUE.map((entry) => {
    const { codes, check, means } = entry;
    return { codes, check, means, remedy: exampleOf(entry, os) };
  });
}

/** What a check's id or a trouble's code stands for; undefined where nobody has that name. */
export function explain(name: string, checks: readonly Check[], os: OperatingSystem): Explanation | undefined {
  const check = checks.find(({ id }) => id === name);
  const known = knownTroubles(os);
  if (check !== undefined) return { check, troubles: known.filter((trouble) => trouble.check === name) };
  const troubles = known.filter(({ codes }) => codes.includes(name.toUpperCase()));
  return troubles.length === 0 ? undefined : { check, troubles };
}

function exampleOf(
  { codes: [code = ""], example, exampleHost = "db.example.com" }: CatalogueEntry,
  os: OperatingSystem,
): Remedy {
  const subject: Subject = {
    target: {
      hosts: [{ host: exampleHost, port: 5432 }],
      database: "shop",
      user: "app",
      password: undefined,
      sslmode: "require",
      sslRootCert: undefined,
      applicationName: "deby",
      targetSessionAttrs: "read-write",
    },
    settings: [],
    warnings: [],
    connectTimeoutMs: 5_000,
    os,
  };
  return remedyFor({ code, message: "…", ...example }, subject);
}
