import { STATUS_CODES } from "node:http";
import swagger from "@elysiajs/swagger";
import { type AnyElysia, Elysia, type InternalRoute } from "elysia";
import { insideOf } from "./elysia-inside.ts";
import { anyProblem, problemSchema } from "./openapi-schemas.ts";
import { simplifySchemas } from "./openapi-simplify.ts";

export interface OpenApiInput {
  readonly version: string;
  readonly apps: readonly AnyElysia[];
}

/** The document, as far as it is tidied here. */
export interface OpenApiDocument {
  readonly paths: Record<string, Record<string, OpenApiOperation>>;
  readonly components: { schemas: Record<string, unknown> & { Problem?: unknown } };
}

interface OpenApiOperation {
  tags?: string[];
  requestBody?: { content: Content };
  responses: Record<string, DescribedAnswer> & { default?: DescribedAnswer };
}

interface DescribedAnswer {
  description?: string;
  content?: Content;
}

type Content = Record<string, { schema?: { type?: string } }>;

/**
 * The OpenAPI document of all routes of these apps. They are described to @elysiajs/swagger by an app that is never
 * served, so that no hook of a program's own app, such as one that asks for a login, stands in the way.
 */
export async function buildOpenApi({ version, apps }: OpenApiInput): Promise<OpenApiDocument> {
  const described = new Elysia().use(
    swagger({
      path: "/document",
      excludeStaticFile: false,
      documentation: {
        // Relative, so that the page sends its requests to wherever it came from.
        servers: [{ url: "/" }],
        info: { title: "deby", version, description: "An API on PostgreSQL that stays up when the database is not" },
        tags: [
          { name: "app", description: "The program's own routes" },
          { name: "health", description: "How the server and its database fare" },
          { name: "admin", description: "For operators" },
        ],
      },
    }),
  );
  for (const app of apps) {
    described.model(insideOf(app).definitions.type);
    for (const route of app.routes) describe(described, route);
  }
  const answer = await described.handle(new Request("http://document.local/document/json"));
  return tidy(simplifySchemas((await answer.json()) as OpenApiDocument));
}

function describe(described: AnyElysia, { method, path, hooks }: InternalRoute): void {
  if (method === "WS") return;
  const { body, query, params, headers, response, detail, parse } = { ...schemasOfGuards(hooks), ...defined(hooks) };
  described.route(method, path, () => "", defined({ body, query, params, headers, response, detail, parse }));
}

/** A `guard` keeps its schemas beside the route's own. */
function schemasOfGuards(hooks: InternalRoute["hooks"]): Record<string, unknown> {
  const guards: readonly object[] = hooks.standaloneValidator ?? [];
  return Object.assign({}, ...guards.map(defined));
}

function defined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Without this every body would claim to come as JSON, as a form and as text, and no error would be told of. */
function tidy(document: OpenApiDocument): OpenApiDocument {
  for (const operations of Object.values(document.paths)) {
    for (const operation of Object.values(operations)) {
      operation.tags ??= ["app"];
      narrow(operation.requestBody);
      for (const [status, response] of Object.entries(operation.responses)) {
        response.description ??= STATUS_CODES[status] ?? "An answer";
        narrow(response);
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
