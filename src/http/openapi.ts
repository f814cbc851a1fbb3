import swagger from "@elysiajs/swagger";
import { type AnyElysia, Elysia, type InternalRoute } from "elysia";
import { defined } from "./defined.ts";
import { insideOf } from "./elysia-inside.ts";
import { KEY_HEADER, REPLAYED_HEADER } from "./idempotency-key.ts";
import { problemAnswers } from "./openapi-schemas.ts";
import { type DescribedAnswer, type OpenApiDocument, type OpenApiOperation, tidyOpenApi } from "./openapi-tidy.ts";

export interface OpenApiInput {
  readonly version: string;
  readonly apps: readonly AnyElysia[];
}

const REPLAYED = {
  description: "`true` where an earlier request with this key gave the answer",
  schema: { type: "string" },
};

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
          { name: "writes", description: "What became of writes that had a key" },
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
  const document = tidyOpenApi((await answer.json()) as OpenApiDocument);
  for (const operation of Object.values(document.paths).flatMap((operations) => Object.values(operations))) {
    const key = operation.parameters?.find(({ name }) => name === KEY_HEADER.toLowerCase());
    if (key === undefined) continue;
    key.name = KEY_HEADER;
    describeReplay(operation);
  }
  return document;
}

function describeReplay(operation: OpenApiOperation): void {
  for (const [status, answer] of Object.entries(operation.responses)) {
    if (status.startsWith("2")) answer.headers = { [REPLAYED_HEADER]: REPLAYED };
  }
  for (const [status, answer] of Object.entries(problemAnswers("KEY_IN_PROGRESS", "KEY_REUSED"))) {
    operation.responses[status] ??= answer as DescribedAnswer;
  }
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
