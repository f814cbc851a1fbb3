import { DebyError, ERROR_KINDS, type ErrorCode, type Outcome } from "../errors.ts";

/** Which part of a request does not fit its schema, and why. */
export interface FieldIssue {
  /** A JSON pointer that begins with the part of the request: `/body/name`, `/query/page`. */
  readonly path: string;
  readonly message: string;
}

/** The body of every error. Source: RFC 9457, with `code`, `outcome`, `retryable` and `errors` as extensions. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  readonly errors?: readonly FieldIssue[];
}

export interface ProblemExtras {
  /** Only for VALIDATION_FAILED: every part that does not fit. */
  readonly errors?: readonly FieldIssue[];
  /** Added to those that the code asks for. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What these say is for the log: it may name tables, columns and values. */
const DETAIL_WITHHELD: Partial<Record<ErrorCode, string>> = {
  STATEMENT_FAILED: "The database refused a statement of this route; the log of the server tells which and why",
  INTERNAL_ERROR: "Something went wrong in the server; its log tells what",
};

/** Whether the error's message must not leave the server and is therefore to be logged. */
export function isDetailWithheld(error: DebyError): boolean {
  return DETAIL_WITHHELD[error.code] !== undefined;
}

/** `DATABASE_UNAVAILABLE` → `urn:deby:error:database-unavailable`. */
function problemType(code: ErrorCode): string {
  return `urn:deby:error:${code.toLowerCase().replaceAll("_", "-")}`;
}

export function toProblem(error: DebyError, errors?: readonly FieldIssue[]): Problem {
  const { status, title } = ERROR_KINDS[error.code];
  return {
    type: problemType(error.code),
    title,
    status,
    detail: DETAIL_WITHHELD[error.code] ?? error.message,
    code: error.code,
    outcome: error.outcome,
    retryable: isRetryable(error),
    ...(errors === undefined ? {} : { errors }),
  };
}

/** The whole answer for an error: body, media type, and the headers that belong to its code. */
export function problemResponse(error: DebyError, extras: ProblemExtras = {}): Response {
  return new Response(JSON.stringify(toProblem(error, extras.errors)), {
    status: error.status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...headersFor(error),
      ...extras.headers,
    },
  });
}

function headersFor(error: DebyError): Record<string, string> {
  const seconds = Math.ceil((error.retryAfterMs ?? 0) / 1000);
  switch (error.code) {
    case "DATABASE_UNAVAILABLE":
    case "DATABASE_MISCONFIGURED":
      return retryAfter(error, Math.max(1, seconds));
    case "POOL_EXHAUSTED":
      return retryAfter(error, Math.min(3, Math.max(1, seconds)));
    case "READ_ONLY":
    case "SERIALIZATION_FAILURE":
    case "KEY_IN_PROGRESS":
      return retryAfter(error, 1);
    case "SHUTTING_DOWN":
      return { connection: "close" };
    case "UNAUTHORIZED":
      return { "www-authenticate": "Bearer" };
    default:
      return {};
  }
}

/** Nobody may be told to repeat what perhaps happened. */
function retryAfter(error: DebyError, seconds: number): Record<string, string> {
  return isRetryable(error) ? { "retry-after": String(seconds) } : {};
}

function isRetryable(error: DebyError): boolean {
  return error.retryable && error.outcome !== "unknown" && error.outcome !== "committed";
}

/** The one wording for a path that is not there, so that a hidden route looks like none. */
export function notFoundError(method: string, path: string): DebyError {
  return new DebyError("NOT_FOUND", `There is no ${method} ${path}`);
}
