import { STATUS_CODES } from "node:http";
import { defined } from "./defined.ts";
import { anyProblem, problemSchema } from "./openapi-schemas.ts";
import { simplifySchemas } from "./openapi-simplify.ts";

/** The document, as far as it is tidied here. */
export interface OpenApiDocument {
  openapi: string;
  readonly paths: Record<string, Record<string, OpenApiOperation>>;
  readonly components: { schemas: Record<string, unknown> & { Problem?: unknown } };
}

export interface OpenApiOperation {
  tags?: string[];
  parameters?: { name?: string; examples?: unknown; schema: Record<string, unknown> }[];
  requestBody?: { content: Content };
  responses: Record<string, DescribedAnswer> & { default?: DescribedAnswer };
}

export interface DescribedAnswer {
  description?: string;
  headers?: unknown;
  links?: unknown;
  content?: Content;
}

type Content = Record<string, { schema?: { type?: string } }>;

/**
 * Corrects what @elysiajs/swagger writes: without this every body would claim to come as JSON, as a form and as text,
 * no error would be told of, and the document would be valid in no version of OpenAPI.
 */
export function tidyOpenApi(raw: OpenApiDocument): OpenApiDocument {
  const document = simplifySchemas(raw);
  // TypeBox writes JSON Schema, which only 3.1 takes as it is.
  document.openapi = "3.1.0";
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations)) {
      operation.tags ??= ["app"];
      for (const parameter of operation.parameters ?? []) {
        const { examples } = parameter;
        if (examples !== undefined) parameter.schema = { ...parameter.schema, examples };
        delete parameter.examples;
      }
      narrow(operation.requestBody);
      for (const [status, response] of Object.entries(operation.responses)) {
        // What else stands there are parts of the schema that @elysiajs/swagger spilled.
        const { description = STATUS_CODES[status] ?? "An answer", headers, links, content } = response;
        operation.responses[status] = defined({ description, headers, links, content });
        narrow(operation.responses[status]);
      }
      operation.responses.default ??= { ...anyProblem } as DescribedAnswer;
    }
  }
  document.components.schemas.Problem = problemSchema;
  return document;
}

/** Of the three kinds that @elysiajs/swagger names where a route says nothing, the one that it will be. */
function narrow(holder: { content?: Content } | undefined): void {
  const content = holder?.content;
  if (holder === undefined || content === undefined || Object.keys(content).length !== 3) return;
  const schema = content["application/json"]?.schema;
  const kind = schema?.type === "string" ? "text/plain" : hasFile(schema) ? "multipart/form-data" : "application/json";
  const kept = content[kind];
  if (kept !== undefined) holder.content = { [kind]: kept };
}

function hasFile(schema: unknown): boolean {
  return JSON.stringify(schema ?? {}).includes('"format":"binary"');
}
