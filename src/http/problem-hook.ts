import {
  ElysiaCustomStatusResponse,
  InvalidCookieSignature,
  InvalidFileType,
  NotFoundError,
  ParseError,
  ValidationError,
} from "elysia";
import type { Log } from "../core/log.ts";
import { DebyError } from "../errors.ts";
import { type FieldIssue, isDetailWithheld, notFoundError, problemResponse } from "./problem.ts";
import { describeIssues, issuesOf, type TextParts } from "./validation-issues.ts";

/** What Elysia hands to an error hook, as far as it is needed here. */
interface FailedRequest extends TextParts {
  readonly code: unknown;
  readonly error: unknown;
  readonly request: Request;
  readonly path: string;
  readonly set: { status?: unknown };
}

export interface ProblemHookOptions {
  readonly log: Pick<Log, "error">;
  /** The methods that this path knows for whoever sent this request; empty when it is not there for them. */
  readonly methodsOf: (path: string, request: Request) => readonly string[];
}

const STACK_LINES = 6;

export type ProblemHook = (failed: FailedRequest) => Response | undefined;

/** The last error hook of every route: turns whatever was thrown into a problem answer. */
export function createProblemHook({ log, methodsOf }: ProblemHookOptions): ProblemHook {
  function answerWithProblem(failed: FailedRequest): Response | undefined {
    const response = responseFor(failed);
    if (response !== undefined) failed.set.status = response.status;
    return response;
  }
  // Elysia reads the source of hooks to learn what of a request they use, and prepares that for each request. Of a hook
  // that hands on its argument it believes that it uses everything: cookies, headers, query and body would be parsed for
  // every route, since all of them have this hook. What a route itself declares is there without that.
  const source = "function ({ error }) { return error }";
  return Object.defineProperty(answerWithProblem, "toString", { value: () => source });

  function responseFor(failed: FailedRequest): Response | undefined {
    const { error } = failed;
    if (error instanceof NotFoundError) return answerNotFound(failed, error);
    if (isLeftToElysia(error)) return undefined;
    const { problem, errors } = toDebyError(error, failed);
    return answerProblem(problem, failed, log, errors);
  }

  function answerNotFound({ request, path }: FailedRequest, error: NotFoundError): Response {
    const methods = methodsOf(path, request);
    const allow = methods.join(", ");
    if (methods.length === 0 || methods.includes(request.method)) {
      if (request.method !== "OPTIONS" || methods.length === 0) return problemResponse(notFound(request, path, error));
      return new Response(null, { status: 204, headers: { allow } });
    }
    const message = `${path} does not know ${request.method}; it knows ${allow}`;
    return problemResponse(new DebyError("METHOD_NOT_ALLOWED", message), { headers: { allow } });
  }
}

/** The answer to a request that failed; what it withholds goes to the log. */
export function answerProblem(
  problem: DebyError,
  failed: Pick<FailedRequest, "request" | "path">,
  log: Pick<Log, "error">,
  errors?: readonly FieldIssue[],
): Response {
  if (isDetailWithheld(problem)) report(problem, failed, log);
  return problemResponse(problem, errors === undefined ? {} : { errors });
}

function report(
  problem: DebyError,
  { request, path }: Pick<FailedRequest, "request" | "path">,
  log: Pick<Log, "error">,
): void {
  const { code, reason, message } = problem;
  const stack = code === "INTERNAL_ERROR" ? stackOf(problem.cause) : undefined;
  const text = `${request.method} ${path} failed: ${stack ?? message}`;
  log.error("http.failed", text, {
    method: request.method,
    path,
    code,
    reason,
    stack,
    error: problem.cause ?? problem,
  });
}

/** Where in whose code, without the frames of the libraries underneath. */
function stackOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof ValidationError) return undefined;
  return error.stack?.split("\n").slice(0, STACK_LINES).join("\n");
}

/** Elysia's own `status()`, an error that brings its own answer, or one that names its own 4xx: meant as it is. */
function isLeftToElysia(error: unknown): boolean {
  if (error instanceof ElysiaCustomStatusResponse || error instanceof Response) return true;
  if (!(error instanceof Error)) return false;
  if (error instanceof DebyError || isElysiaError(error)) return false;
  if ("toResponse" in error && typeof error.toResponse === "function") return true;
  return "status" in error && typeof error.status === "number" && error.status >= 400 && error.status < 500;
}

function isElysiaError(error: Error): boolean {
  return (
    error instanceof ValidationError ||
    error instanceof ParseError ||
    error instanceof InvalidFileType ||
    error instanceof InvalidCookieSignature
  );
}

function toDebyError(
  error: unknown,
  { params, query, headers }: TextParts,
): { problem: DebyError; errors?: readonly FieldIssue[] } {
  if (error instanceof DebyError) return { problem: error };
  if (error instanceof ParseError) {
    return { problem: new DebyError("MALFORMED_REQUEST", "The body cannot be parsed", { cause: error }) };
  }
  if (error instanceof InvalidCookieSignature) {
    return { problem: new DebyError("MALFORMED_REQUEST", error.message, { cause: error }) };
  }
  if (error instanceof ValidationError && error.type !== "response") {
    return invalid(issuesOf(error, { params, query, headers }), error);
  }
  if (error instanceof InvalidFileType) {
    return invalid([{ path: `/${error.property.replaceAll(".", "/")}`, message: error.message }], error);
  }
  if (error instanceof Error && error.name === "TransformDecodeError") return invalid([decodeIssue(error)], error);
  return { problem: new DebyError("INTERNAL_ERROR", messageOf(error), { cause: error, outcome: "unknown" }) };
}

function invalid(errors: readonly FieldIssue[], cause: Error): { problem: DebyError; errors: readonly FieldIssue[] } {
  return { problem: new DebyError("VALIDATION_FAILED", describeIssues(errors), { cause }), errors };
}

/** TypeBox could check a value but not convert it, such as a date that is none. */
function decodeIssue(error: Error): FieldIssue {
  const path = "path" in error && typeof error.path === "string" ? error.path : "";
  return { path: `/request${path}`, message: error.message };
}

function notFound({ method }: Request, path: string, error: NotFoundError): DebyError {
  const isTheRouters = error.message === "NOT_FOUND";
  return isTheRouters ? notFoundError(method, path) : new DebyError("NOT_FOUND", error.message, { cause: error });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof ValidationError)) return error.message;
  return `The answer does not fit the route's schema: ${describeIssues(issuesOf(error, {}))}`;
}
