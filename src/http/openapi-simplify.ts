type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Schema = { [name: string]: Json };

/** Formats of the texts that Elysia converts; the type that they stand for is what a client should send. */
const CONVERTED_FORMATS = new Set<Json>(["integer", "numeric", "boolean", "ObjectString", "ArrayString"]);

/**
 * What Elysia accepts is wider than what it means: a number in a query is "a text that looks like one, or a number".
 * Leaves only what is meant, in words that OpenAPI knows.
 */
export function simplifySchemas<T>(document: T): T {
  return simplify(document as Json) as T;
}

function simplify(value: Json): Json {
  if (Array.isArray(value)) return value.map(simplify);
  if (value === null || typeof value !== "object") return value;
  const schema: Schema = {};
  for (const [name, inner] of Object.entries(value)) {
    // Elysia's name for a model, which is no address that JSON Schema allows there.
    if (name !== "$id") schema[name] = simplify(inner);
  }
  return withoutConversions(schema);
}

function withoutConversions(schema: Schema): Schema {
  const { anyOf, ...rest } = schema;
  if (!Array.isArray(anyOf) || !anyOf.every(isSchema)) return schema;
  if (anyOf.some(({ type }) => type === "Date")) return { ...rest, type: "string", format: "date-time" };
  const meant = anyOf.filter(({ type, format }) => type !== "string" || !CONVERTED_FORMATS.has(format ?? null));
  if (meant.length === anyOf.length) return schema;
  const [only] = meant;
  return only !== undefined && meant.length === 1 ? { ...rest, ...only } : { ...rest, anyOf: meant };
}

function isSchema(value: Json): value is Schema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
