import { type TSchema, t } from "elysia";
import { ERROR_KINDS, type ErrorCode } from "../errors.ts";

/** What the document says of an answer. The run time does not look at it: our own answers are typed. */
export interface DocumentedResponse {
  readonly description: string;
  readonly content?: Readonly<Record<string, { readonly schema: unknown }>>;
}

export const problemSchema = t.Object({
  type: t.String({ examples: ["urn:deby:error:database-unavailable"] }),
  title: t.String(),
  status: t.Integer(),
  detail: t.String(),
  code: t.String({ description: "Branch on this, never on a text", examples: Object.keys(ERROR_KINDS).slice(0, 3) }),
  outcome: t.String({
    description: "What became of the statement that failed",
    enum: ["not-executed", "rolled-back", "committed", "unknown"],
  }),
  retryable: t.Boolean({ description: "Whether the same request may be sent again as it is" }),
  errors: t.Optional(t.Array(t.Object({ path: t.String(), message: t.String() }))),
});

const PROBLEM_CONTENT = { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } };

/** The answer that stands for every status that an operation does not name. */
export const anyProblem: DocumentedResponse = {
  description: "Any error, as RFC 9457 wants it: `code` to branch on, `outcome` to trust",
  content: PROBLEM_CONTENT,
};

export function jsonAnswer(description: string, schema: TSchema): DocumentedResponse {
  return { description, content: { "application/json": { schema } } };
}

/** The answers of these codes, by status. */
export function problemAnswers(...codes: readonly ErrorCode[]): Record<string, DocumentedResponse> {
  const byStatus: Record<string, DocumentedResponse> = {};
  for (const code of codes) {
    const { status, title } = ERROR_KINDS[code];
    const known = byStatus[status]?.description;
    const description = known === undefined ? `${title} (${code})` : `${known}; ${title} (${code})`;
    byStatus[status] = { description, content: PROBLEM_CONTENT };
  }
  return byStatus;
}
