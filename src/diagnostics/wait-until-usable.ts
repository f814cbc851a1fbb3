import { type Clock, sleep } from "../core/clock.ts";
import { within } from "../core/within.ts";
import type { Connection } from "../database/connection.ts";
import { knock } from "../database/dial.ts";
import { codeOf } from "../database/sqlstate.ts";
import type { CheckResult, Subject } from "./check.ts";
import { CHECKS } from "./checks.ts";
import { type ExamineOptions, examine } from "./examine.ts";
import type { CheckReport } from "./report-model.ts";
import { type Selection, selectChecks } from "./select-checks.ts";
import type { Session } from "./session.ts";

export interface WaitOptions extends Omit<ExamineOptions, "onResult" | "review" | "onStart" | "untilAt"> {
  /** When to give up, on the clock's scale. */
  readonly limitAt: number;
  /** Told what is still in the way, each time it is looked for. */
  readonly onObstacle: (result: CheckResult) => void;
}

export interface Waited {
  readonly isUsable: boolean;
  /** Of the selected checks where it is usable, else of what was in the way in the end. */
  readonly report: CheckReport;
}

/** Between two looks, so that a database which has come up is noticed within 300 ms, its confirmation included. */
const PAUSE_MS = 60;
/** A server that has let us in has to do so once more after this; one that is about to be restarted does not. */
const CONFIRM_AFTER_MS = 50;
/** The confirmation may end after the limit by this much. */
const CONFIRM_LIMIT_MS = 1_000;
/** A SYN that was dropped is sent again only after a second; a fresh one beside it is heard sooner. */
const KNOCK_EVERY_MS = 150;
const KNOCK_LIMIT_MS = 1_000;

/** The last of the checks that a program needs to get through before it starts. */
const LAST_NEEDED = "role";

/**
 * Looks until the database is usable, twice in a row at the same start of the same server. Nothing that a server
 * answers ends the waiting: a role or a database that is missing may be about to be made.
 */
export async function waitUntilUsable(subject: Subject, options: WaitOptions): Promise<Waited> {
  const { clock, limitAt, signal, selection, onObstacle } = options;
  const { checks } = selectChecks(CHECKS, { only: [LAST_NEEDED] });
  const { isReported } = selection;
  const entrance: Selection = { checks, isReported };
  const all = CHECKS.filter((check) => checks.includes(check) || selection.checks.includes(check));
  const whole: Selection = { checks: all, isReported };
  let seen: string | undefined;
  let last: CheckReport | undefined;
  while (true) {
    const untilAt = seen === undefined ? limitAt : Math.max(limitAt, clock.now() + CONFIRM_LIMIT_MS);
    const { report, server } = await look(subject, { ...options, untilAt, selection: seen ? whole : entrance });
    if (server !== undefined && server === seen) return { isUsable: true, report };
    seen = server;
    const obstacle = seen === undefined ? report.checks.find(isObstacle) : undefined;
    // What the limit has cut short tells of the limit, not of the database.
    if (seen === undefined && clock.now() >= limitAt) return { isUsable: false, report: last ?? report };
    last = report;
    if (obstacle !== undefined) onObstacle(obstacle);
    const pauseMs = seen === undefined ? Math.min(PAUSE_MS, limitAt - clock.now()) : CONFIRM_AFTER_MS;
    await sleep(clock, pauseMs, signal);
    if (obstacle?.id === "tcp") await untilAnswered(subject, options);
  }
}

interface Look {
  readonly report: CheckReport;
  /** The start of the server that can be used; undefined where there is none. */
  readonly server: string | undefined;
}

async function look(subject: Subject, options: WaitOptions & { readonly untilAt: number }): Promise<Look> {
  let server: string | undefined;
  const review = async ({ chosen }: Session, results: readonly CheckResult[]) => {
    const role = results.findIndex(({ id }) => id === LAST_NEEDED);
    const connection = (await chosen?.opening)?.connection;
    if (connection === undefined || results.slice(0, role + 1).some(isObstacle)) return results;
    if (await servesInitialization(connection, options)) {
      return results.map((result, index) => (index === role ? { ...result, ...TEMPORARY } : result));
    }
    server = connection.backend.server;
    return results;
  };
  return { report: await examine(subject, { ...options, review }), server };
}

function isObstacle({ status }: CheckResult): boolean {
  return status === "fail" || status === "unknown";
}

const TEMPORARY = {
  status: "fail",
  evidence: "listen_addresses is empty by the command line",
  cause:
    "This is the temporary server of a container that is being initialised. It serves its Unix socket only, and is restarted when the initialisation is done",
  fix: [{ os: "any", command: "docker logs NAME" }],
  docs: "https://github.com/docker-library/docs/blob/master/postgres/README.md#initialization-scripts",
} as const satisfies Partial<CheckResult>;

/** Whether it is the server that Docker's image starts for its initialisation, which ends with a restart. */
async function servesInitialization(connection: Connection, { clock, untilAt }: { clock: Clock; untilAt: number }) {
  const question = `select 1 from pg_settings where name = 'listen_addresses' and setting = '' and source = 'command line'`;
  try {
    const { rows } = await connection.control(question, Math.max(untilAt, clock.now() + CONFIRM_LIMIT_MS));
    return rows.length > 0;
  } catch {
    // The connection is gone, which the confirmation will find out.
    return false;
  }
}

/** Waits for a peer that drops what is sent to it, knocking again and again beside those knocks that are unanswered. */
async function untilAnswered({ target }: Subject, { clock, limitAt, signal }: WaitOptions): Promise<void> {
  const over = new AbortController();
  const answered = Promise.withResolvers<void>();
  const isOver = AbortSignal.any([signal, over.signal]);
  const knockOnce = () => {
    const deadlineAt = Math.min(limitAt, clock.now() + KNOCK_LIMIT_MS);
    return knock(target, { clock, deadlineAt, signal: isOver }).then(answered.resolve, (error: unknown) => {
      if (codeOf(error) !== "ETIMEDOUT") answered.resolve();
    });
  };
  const knockOn = async () => {
    while (!isOver.aborted && clock.now() < limitAt) {
      void knockOnce();
      await sleep(clock, KNOCK_EVERY_MS, isOver);
    }
    answered.resolve();
  };
  void knockOn();
  try {
    await within<void>({ clock, deadlineAt: limitAt, signal }, (resolve) => void answered.promise.then(resolve));
  } catch (error) {
    if (signal.aborted) throw error;
  } finally {
    over.abort();
  }
}
