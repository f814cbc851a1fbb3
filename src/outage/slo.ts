import { parseDuration } from "../config/duration.ts";
import { DebyError } from "../errors.ts";

type FigureName =
  | "ttd"
  | "dbReady"
  | "ttr"
  | "appLag"
  | "steady"
  | "lost"
  | "duplicate"
  | "unknown"
  | "hung"
  | "failed";

/** Milliseconds or counts; null where the run did not measure them. */
export type SloFigures = Readonly<Record<FigureName, number | null>>;

type Operator = "<" | "<=" | "==" | ">=" | ">";

/** An objective such as `ttr<2s` or `lost==0`. Durations are in milliseconds. */
export interface Slo {
  readonly expression: string;
  readonly figure: FigureName;
  readonly operator: Operator;
  readonly bound: number;
}

export interface SloResult {
  readonly expression: string;
  /** Milliseconds or a count; null if it was never measured, which keeps no objective. */
  readonly value: number | null;
  readonly kept: boolean;
}

/** Every figure that an objective may name, and whether it is a duration. */
const FIGURES: Readonly<Record<FigureName, "duration" | "count">> = {
  ttd: "duration",
  dbReady: "duration",
  ttr: "duration",
  appLag: "duration",
  steady: "duration",
  lost: "count",
  duplicate: "count",
  unknown: "count",
  hung: "count",
  failed: "count",
};

const EXPRESSION = /^([A-Za-z]+)\s*(<=|>=|==|<|>)\s*(\S+)$/;

/**
 * Reads an objective.
 * @throws DebyError USAGE when it names no figure, compares in no known way, or has a unit too many or too few.
 */
export function parseSlo(text: string): Slo {
  const [, name = "", operator = "", bound = ""] = EXPRESSION.exec(text.trim()) ?? [];
  if (operator === "") {
    throw new DebyError("USAGE", `Not an objective: "${text}"; write figure, comparison and bound, such as ttr<2s`);
  }
  if (!isFigure(name)) {
    throw new DebyError(
      "USAGE",
      `No such figure: "${name}" in "${text}"; there are ${Object.keys(FIGURES).join(", ")}`,
    );
  }
  return {
    expression: text.trim(),
    figure: name,
    operator: operator as Operator,
    bound: parseBound(name, bound, text),
  };
}

function parseBound(figure: FigureName, bound: string, text: string): number {
  if (FIGURES[figure] === "duration") {
    const ms = parseDuration(bound);
    if (ms === undefined) throw new DebyError("USAGE", `${figure} needs a duration such as 250ms or 2s: "${text}"`);
    return ms;
  }
  if (!/^\d+$/.test(bound)) throw new DebyError("USAGE", `${figure} needs a whole number: "${text}"`);
  return Number(bound);
}

/** The wanted objectives, and the others' where nothing is wanted of the same figure. */
export function overrideSlos(others: readonly Slo[], wanted: readonly Slo[]): Slo[] {
  const figures = new Set(wanted.map(({ figure }) => figure));
  return [...others.filter(({ figure }) => !figures.has(figure)), ...wanted];
}

/** Holds the figures against the objectives. */
export function evaluateSlos(slos: readonly Slo[], figures: SloFigures): SloResult[] {
  return slos.map((slo) => {
    const value = figures[slo.figure];
    return { expression: slo.expression, value, kept: value !== null && holds(value, slo.operator, slo.bound) };
  });
}

function holds(value: number, operator: Operator, bound: number): boolean {
  switch (operator) {
    case "<":
      return value < bound;
    case "<=":
      return value <= bound;
    case "==":
      return value === bound;
    case ">=":
      return value >= bound;
    case ">":
      return value > bound;
  }
}

function isFigure(name: string): name is FigureName {
  return Object.hasOwn(FIGURES, name);
}
