import { DebyError } from "../../errors.ts";

/** Marks every container that is deby's own and may be harmed and removed. */
export const SANDBOX_LABEL = "deby.sandbox";
/** With it, an owner allows outages to be simulated. */
const CHAOS_LABEL = "deby.chaos";

/** What is about to be harmed and was not made for it. */
export interface Victim {
  /** As `--confirm` has to name it. */
  readonly name: string;
  /** In words: "the container db". */
  readonly what: string;
  /** Empty where it can carry none. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * Harms nothing without somebody's word: its owner's, in a label, or that of whoever types its name.
 * @throws DebyError USAGE with what to do
 */
export function requirePermission({ name, what, labels }: Victim, confirmed: string | undefined): void {
  if (labels[SANDBOX_LABEL] === "true" || labels[CHAOS_LABEL] === "allow") return;
  if (confirmed === name) return;
  const mistyped = confirmed === undefined ? "" : `; --confirm names "${confirmed}"`;
  throw new DebyError(
    "USAGE",
    `Refused, and ${what} was not touched: it is not deby's own and carries no label ${CHAOS_LABEL}=allow${mistyped}. ` +
      `If it may really be broken, say so by its name: --confirm ${name}`,
  );
}

/** A session of somebody else's. */
export interface ForeignSession {
  readonly applicationName: string;
  readonly user: string;
  readonly client: string;
}

const SHOWN = 5;

/**
 * A database that others use is not broken under them.
 * @param options.serverApplications the names that the sessions of a running server go by which is judged; undefined:
 * there is none
 * @throws DebyError USAGE with whose sessions there are
 */
export function requireAlone(
  sessions: readonly ForeignSession[],
  { what, serverApplications }: { readonly what: string; readonly serverApplications: readonly string[] | undefined },
): void {
  const others = sessions.filter(({ applicationName }) => !serverApplications?.includes(applicationName));
  if (others.length === 0) return;
  const shown = others.slice(0, SHOWN).map(({ applicationName, user, client }) => {
    return `${applicationName || "without an application_name"} (${user}, ${client})`;
  });
  const more = others.length > SHOWN ? ` and ${others.length - SHOWN} more` : "";
  const own =
    serverApplications === undefined
      ? ""
      : `Those of the server under test go by ${serverApplications.join(", ")}; if its are others, name them: ` +
        "--server-application NAME (of a deby: NAME,NAME-probe). ";
  throw new DebyError(
    "USAGE",
    `Refused, and ${what} was not touched: others are connected to it: ${shown.join(", ")}${more}. ${own}` +
      "End them first, take a database that nobody uses, or cut only your own traffic: --target proxy",
  );
}
