import type { ValidationError } from "elysia";
import type { FieldIssue } from "./problem.ts";

const MAX_ISSUES = 20;

/** The parts of a request that Elysia checks as text, where a value can be looked for. */
export interface TextParts {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly headers?: unknown;
}

/** Every part of the request that does not fit, one issue a part, worded for a reader. */
export function issuesOf(error: ValidationError, parts: TextParts): FieldIssue[] {
  const where = error.type === "property" ? placeOf(error.value, parts) : `/${error.type}`;
  const byPath = new Map<string, FieldIssue>();
  for (const found of error.all as readonly FoundIssue[]) {
    const issue = { path: `${where}${toPointer(found.path ?? "")}`, message: messageOf(found) };
    if (!byPath.has(issue.path)) byPath.set(issue.path, issue);
    if (byPath.size === MAX_ISSUES) break;
  }
  return byPath.size === 0 ? [{ path: where, message: "does not fit its schema" }] : [...byPath.values()];
}

/** One sentence: `/body/price: Expected number; /body/name: Expected required property`. */
export function describeIssues(issues: readonly FieldIssue[]): string {
  return issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
}

/** Of TypeBox, or of another library through Standard Schema; the two differ in how they write a path. */
interface FoundIssue {
  readonly path?: string;
  readonly message?: string;
  readonly schema?: { readonly error?: unknown; readonly anyOf?: readonly Alternative[] };
}

interface Alternative {
  readonly type?: string;
  readonly const?: unknown;
}

function messageOf({ message = "does not fit", schema }: FoundIssue): string {
  if (typeof schema?.error === "string") return schema.error;
  return schema?.anyOf === undefined || message !== "Expected union value" ? message : describeUnion(schema.anyOf);
}

/** What comes as text is checked against "this type or a text that means it": only the type is worth telling. */
function describeUnion(alternatives: readonly Alternative[]): string {
  const types = alternatives.map(({ type }) => type);
  if (types.includes("Date")) return "Expected date";
  if (alternatives.every((alternative) => "const" in alternative)) {
    return `Expected one of ${alternatives.map((alternative) => JSON.stringify(alternative.const)).join(", ")}`;
  }
  const meant = types.filter((type) => type !== undefined && type !== "string");
  return `Expected ${[...new Set(meant.length > 0 ? meant : types)].join(" or ")}`;
}

/** A value that was converted before it was refused has lost its place; it is found again where it stands but once. */
function placeOf(value: unknown, parts: TextParts): string {
  const places: string[] = [];
  for (const [part, values] of Object.entries(parts)) {
    for (const [name, text] of Object.entries(values ?? {})) {
      if (String(text) === String(value)) places.push(`/${part}/${name}`);
    }
  }
  return places.length === 1 && places[0] !== undefined ? places[0] : "/request";
}

function toPointer(path: string): string {
  if (path === "" || path === "root") return "";
  return path.startsWith("/") ? path : `/${path.replaceAll(".", "/")}`;
}
