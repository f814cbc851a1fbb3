import { DATABASE_SETTINGS, DATABASE_URL } from "./database-settings.ts";
import { closest } from "./did-you-mean.ts";
import type { Findings } from "./findings.ts";
import { isInjected, type SourceName, type Variables } from "./levels.ts";
import { SETTINGS, variableName } from "./schema.ts";

const KNOWN: ReadonlySet<string> = new Set(
  SETTINGS.flatMap(({ name, kind }) => {
    const variable = variableName(name);
    return kind === "secret" ? [variable, `${variable}_FILE`] : [variable];
  }),
);

/** Flags that have no DEBY_ variable, because others have named it long ago. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  [variableName(DATABASE_URL.flag), DATABASE_URL.variable],
  ...DATABASE_SETTINGS.map(({ name, libpq }): [string, string] => [variableName(name), libpq]),
]);

/**
 * Refuses DEBY_ names that mean nothing: a setting with a slip in its name would have no effect and nobody would know.
 * What Kubernetes injects for a service of ours is ignored with one warning.
 */
export function checkVariableNames(variables: Variables, source: SourceName, findings: Findings): void {
  const injected: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) continue;
    if (isInjected(name, value)) injected.push(name);
    else if (name.startsWith("DEBY_") && !KNOWN.has(name)) findings.refuse(unknownName(name, source));
  }
  if (injected.length > 0) {
    findings.warn(`Ignored what Kubernetes injects for services: ${injected.toSorted().join(", ")}`);
  }
}

function unknownName(name: string, source: SourceName): string {
  const place = source === ".env" ? "in .env" : "in the environment";
  const elsewhere = ELSEWHERE.get(name);
  if (elsewhere !== undefined) return `${name} ${place} is not a setting of deby; use ${elsewhere}`;
  const near = closest(name, KNOWN);
  return `${name} ${place} is not a setting of deby${near === undefined ? "" : `; did you mean ${near}?`}`;
}
