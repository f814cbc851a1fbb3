import type { HostPort } from "../config/types.ts";
import { addressLabel } from "../database/dial.ts";
import { firstHost, type Subject } from "./check.ts";
import { CATALOGUE } from "./remedies/catalogue.ts";
import { refused } from "./remedies/refusals.ts";
import type { Remedy, Trouble } from "./remedies/trouble.ts";

/** The cause of a trouble in words, what to type, and where to read on. */
export function remedyFor(trouble: Trouble, subject: Subject, at: HostPort = firstHost(subject.target)): Remedy {
  const situation = { trouble, subject, at, label: addressLabel(at) };
  const entry = CATALOGUE.find(({ codes, fits }) => codes.includes(trouble.code) && (fits?.(trouble) ?? true));
  return (entry?.remedy ?? refused)(situation);
}
