/** What became of the statement that failed. */
export type Outcome = "not-executed" | "rolled-back" | "committed" | "unknown";

/** Every code that deby gives an error. Branch on it, never on a message. */
export type ErrorCode = keyof typeof ERROR_KINDS;

interface ErrorKind {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The sentence that stands above the detail. */
  readonly title: string;
  /** Whether the same request may be sent again with hope of a different answer. */
  readonly retryable: boolean;
  /** Exit code where the error ends a command. */
  readonly exitCode: number;
}

/** The one table from code to HTTP status, title, exit code and retryability. */
export const ERROR_KINDS = {
  DATABASE_UNAVAILABLE: { status: 503, title: "The database cannot be reached", retryable: true, exitCode: 1 },
  POOL_EXHAUSTED: { status: 503, title: "Too many requests wait for a connection", retryable: true, exitCode: 1 },
  READ_ONLY: { status: 503, title: "The database accepts no writes", retryable: true, exitCode: 1 },
  DATABASE_MISCONFIGURED: { status: 503, title: "The database refuses this service", retryable: true, exitCode: 1 },
  STATEMENT_TIMEOUT: { status: 504, title: "The database cancelled the statement", retryable: false, exitCode: 1 },
  DEADLINE_EXCEEDED: { status: 504, title: "No answer within the deadline", retryable: false, exitCode: 1 },
  SERIALIZATION_FAILURE: { status: 503, title: "Concurrent transactions collided", retryable: true, exitCode: 1 },
  OUTCOME_UNKNOWN: { status: 500, title: "It is not known whether the write happened", retryable: false, exitCode: 1 },
  CONSTRAINT_VIOLATED: { status: 409, title: "The data contradicts a constraint", retryable: false, exitCode: 1 },
  STATEMENT_FAILED: { status: 500, title: "The database refused the statement", retryable: false, exitCode: 1 },
  KEY_REUSED: { status: 422, title: "The key was used for another request", retryable: false, exitCode: 1 },
  KEY_IN_PROGRESS: { status: 409, title: "The key's first request still runs", retryable: true, exitCode: 1 },
  SHUTTING_DOWN: { status: 503, title: "The server is shutting down", retryable: true, exitCode: 1 },
  ABORTED: { status: 499, title: "The caller went away", retryable: false, exitCode: 1 },
  MALFORMED_REQUEST: { status: 400, title: "The request cannot be understood", retryable: false, exitCode: 1 },
  UNAUTHORIZED: { status: 401, title: "A valid token is needed", retryable: false, exitCode: 1 },
  NOT_FOUND: { status: 404, title: "There is nothing here", retryable: false, exitCode: 1 },
  METHOD_NOT_ALLOWED: { status: 405, title: "The route does not know this method", retryable: false, exitCode: 1 },
  BODY_TOO_LARGE: { status: 413, title: "The request is too large", retryable: false, exitCode: 1 },
  VALIDATION_FAILED: { status: 422, title: "The request does not fit the schema", retryable: false, exitCode: 1 },
  INTERNAL_ERROR: { status: 500, title: "The server failed", retryable: false, exitCode: 1 },
  USAGE: { status: 500, title: "The command was not understood", retryable: false, exitCode: 2 },
  CONFIG_INVALID: { status: 500, title: "The configuration is not valid", retryable: false, exitCode: 2 },
  ROUTES_INVALID: { status: 500, title: "The routes file cannot be loaded", retryable: false, exitCode: 2 },
  LISTEN_FAILED: { status: 500, title: "The server cannot listen", retryable: false, exitCode: 3 },
  CANNOT_RUN: { status: 500, title: "The command could not run", retryable: false, exitCode: 3 },
} as const satisfies Record<string, ErrorKind>;

export interface DebyErrorOptions {
  readonly cause?: unknown;
  /** What became of the statement; `not-executed` where no statement was sent. Default: `not-executed`. */
  readonly outcome?: Outcome;
  /** SQLSTATE of the server, or the socket's code such as ECONNREFUSED. */
  readonly reason?: string;
  /** Milliseconds until trying again makes sense. */
  readonly retryAfterMs?: number;
  /** The connection went away under the statement, as opposed to none having been had. */
  readonly isLostConnection?: boolean;
}

/** The one error that leaves deby: a code to branch on, an outcome to trust, a message to read. */
export class DebyError extends Error {
  override readonly name = "DebyError";
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly reason: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly isLostConnection: boolean;

  constructor(code: ErrorCode, message: string, options: DebyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome ?? "not-executed";
    this.reason = options.reason;
    this.retryAfterMs = options.retryAfterMs;
    this.isLostConnection = options.isLostConnection ?? false;
  }

  get status(): number {
    return ERROR_KINDS[this.code].status;
  }

  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable;
  }

  get exitCode(): number {
    return ERROR_KINDS[this.code].exitCode;
  }
}
