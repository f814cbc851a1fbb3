import type { DocumentDecoration } from "elysia";
import { anyProblem, type DocumentedResponse } from "./openapi-schemas.ts";

/** What the OpenAPI document says of one of deby's own routes; goes into the route's options. */
export function operation(
  tag: "health" | "admin" | "canary" | "writes",
  summary: string,
  responses: Readonly<Record<string, DocumentedResponse>>,
): { detail: DocumentDecoration } {
  const detail = { tags: [tag], summary, responses: { ...responses, default: anyProblem } };
  // TypeBox schemas are JSON Schemas; only the types of the two libraries do not know of each other.
  return { detail: detail as unknown as DocumentDecoration };
}
