import type { Clock } from "../core/clock.ts";
import { runWithDeadline } from "../core/deadline.ts";
import type { Log } from "../core/log.ts";
import { DebyError } from "../errors.ts";
import { idleSeconds } from "./idle-seconds.ts";
import { RequestsInFlight } from "./in-flight.ts";
import { answerProblem } from "./problem-hook.ts";
import { pathOf } from "./reserved-routes.ts";

/** Answers a request, by Elysia's routes and all their hooks. */
export type Handle = (request: Request) => Response | Promise<Response>;

export interface RequestScopeOptions {
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Pick<Log, "error">;
  /** The listener, where its connections do not last as long as a request by themselves. */
  readonly server: () => Bun.Server<unknown> | null | undefined;
}

/**
 * What a request needs around it in somebody else's app: its deadline, which the database finds, a connection that
 * lasts as long, and an answer where an error of the database has passed by all hooks.
 */
export function createRequestScope({ requestTimeoutMs, clock, log, server }: RequestScopeOptions) {
  const requests = new RequestsInFlight(clock, requestTimeoutMs);
  const seconds = idleSeconds(requestTimeoutMs);

  return (handle: Handle): Handle =>
    (request) => {
      server()?.timeout(request, seconds);
      const entry = requests.begin(request);
      const fail = (error: unknown): Response => {
        entry.isAnswered = true;
        if (!(error instanceof DebyError)) throw error;
        return answerProblem(error, { request, path: pathOf(request.url) }, log);
      };
      const done = (answer: Response): Response => {
        entry.isAnswered = true;
        return answer;
      };
      try {
        const answer = runWithDeadline(entry, () => handle(request));
        return answer instanceof Promise ? answer.then(done, fail) : done(answer);
      } catch (error) {
        return fail(error);
      }
    };
}
