import { type Answer, describeAnswer, isSuccess } from "./client.ts";

/** How many rows there are of an id. */
export type Rows = ReadonlyMap<string, number>;

/** A promise that an answer broke. */
export type Breach = "lost" | "doubled" | "denied" | "unknown" | "unanswered" | "unclear" | "replayed";

const SENTENCES: Readonly<Record<Breach, string>> = {
  lost: "acknowledged, and not there",
  doubled: "there more than once",
  denied: "there, although the answer said that it was not",
  unknown: "its outcome was told to be unknown, although the database was back in time",
  unanswered: "not answered",
  unclear: "failed without saying what became of it",
  replayed: "a first request was told to be a repeated one",
};

/** What is wrong with the answer to a first request, once the table has settled. Pure. */
export function breachOf(answer: Answer, rows: Rows): Breach | undefined {
  const { ending, status, outcome, isReplay } = answer;
  const count = rows.get(answer.id) ?? 0;
  if (count > 1) return "doubled";
  if (ending !== "answered") return "unanswered";
  if (isSuccess(answer) || outcome === "committed") return count === 0 ? "lost" : isReplay ? "replayed" : undefined;
  if (outcome === "unknown") return "unknown";
  if (outcome === undefined || status === undefined || status < 400) return "unclear";
  return count > 0 ? "denied" : undefined;
}

/** What is wrong with the answer to a request that was sent again; `before` is how many rows there were. Pure. */
export function judgeRepeated(first: Answer, again: Answer, before: number): string[] {
  if (!isSuccess(again)) return [`sent again, it failed: ${describeAnswer(again)}`];
  if (again.isReplay !== before > 0) {
    return [`sent again with ${before} rows, it was ${again.isReplay ? "" : "not "}replayed: ${describeAnswer(again)}`];
  }
  if (isSuccess(first) && first.text !== again.text) {
    return [`sent again, it got another answer: ${describeAnswer(first)}, then ${describeAnswer(again)}`];
  }
  return [];
}

export function describeBreach(breach: Breach, answer: Answer): string {
  return `${SENTENCES[breach]}: ${describeAnswer(answer)}`;
}
