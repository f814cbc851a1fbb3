import type { JudgedRun } from "./aftermath.ts";
import { nameOf } from "./plan.ts";

type Column = (typeof COLUMNS)[number];

const COLUMNS = [
  "drills",
  "requests",
  "201",
  "200",
  "not-executed",
  "rolled-back",
  "committed",
  "unknown",
  "unanswered",
  "lost",
  "doubled",
  "wrong",
  "doubt: committed",
  "not-committed",
  "never known",
  "slowest ms",
] as const;

const NAME_WIDTH = 26;
const MIN_WIDTH = 6;

/** Adds drills up by the kind of their fault. */
export class Summary {
  readonly #byName = new Map<string, Map<Column, number>>();
  #commits = 0;
  #inDoubt = 0;
  #seconds = 0;
  drills = 0;

  add({ run, breaches }: JudgedRun): void {
    const { drill, answers, resolved, hits } = run;
    this.drills += 1;
    if (drill.fault.kind !== "kill" && drill.fault.step === "commit") this.#commits += 1;
    if (resolved.committed + resolved.notCommitted + resolved.unknown > 0) this.#inDoubt += 1;
    if (hits > 1) this.#seconds += 1;
    for (const name of [nameOf(drill.fault), "all"]) {
      const figures = this.#figures(name);
      const count = (column: Column, by = 1): void => void figures.set(column, (figures.get(column) ?? 0) + by);
      count("drills");
      count("requests", answers.length);
      for (const [, { status, outcome, ending, tookMs }] of answers) {
        if (status === 201 || status === 200) count(`${status}`);
        if (outcome !== undefined) count(outcome);
        if (ending !== "answered") count("unanswered");
        figures.set("slowest ms", Math.max(figures.get("slowest ms") ?? 0, Math.round(tookMs)));
      }
      for (const breach of breaches) if (breach === "lost" || breach === "doubled") count(breach);
      count(
        "wrong",
        breaches.filter((breach) => breach === "denied" || breach === "unclear" || breach === "replayed").length,
      );
      count("doubt: committed", resolved.committed);
      count("not-committed", resolved.notCommitted);
      count("never known", resolved.unknown);
    }
  }

  /** One line. */
  get progress(): string {
    const all = this.#figures("all");
    const told = ["requests", "201", "unknown", "unanswered", "lost", "doubled", "doubt: committed"] as const;
    return `${this.drills} drills, ${told.map((column) => `${column} ${all.get(column) ?? 0}`).join(", ")}`;
  }

  get table(): string {
    const names = [...this.#byName.keys()].filter((name) => name !== "all").toSorted();
    const lines = [...names, "all"].map((name) => {
      const figures = this.#figures(name);
      const cells = COLUMNS.map((column) => String(figures.get(column) ?? 0).padStart(widthOf(column)));
      return [name.padEnd(NAME_WIDTH), ...cells].join("  ");
    });
    return [
      ["fault".padEnd(NAME_WIDTH), ...COLUMNS.map((column) => column.padStart(widthOf(column)))].join("  "),
      ...lines,
      `COMMIT or its reply was struck in ${this.#commits} of ${this.drills} drills; ` +
        `in ${this.#inDoubt} a COMMIT was in doubt, in ${this.#seconds} its key was struck twice`,
    ].join("\n");
  }

  #figures(name: string): Map<Column, number> {
    const known = this.#byName.get(name) ?? new Map<Column, number>();
    this.#byName.set(name, known);
    return known;
  }
}

function widthOf(column: Column): number {
  return Math.max(MIN_WIDTH, column.length);
}
