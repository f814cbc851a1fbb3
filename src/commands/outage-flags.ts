import type { ArgsDef } from "citty";
import { parseSetting, ruleOf } from "../config/parse-setting.ts";
import type { SettingDescriptor } from "../config/schema.ts";
import { DebyError } from "../errors.ts";
import type { Scenario } from "../outage/scenario.ts";
import { findScenario, SCENARIOS } from "../outage/scenarios/all.ts";
import { parseSlo, type Slo } from "../outage/slo.ts";
import type { Flags } from "./command.ts";

/** A number or a duration of one run, described as the settings are; it has no variable. */
type RunFlag = Pick<
  SettingDescriptor & { kind: "count" | "duration" | "percent" },
  "kind" | "min" | "max" | "meaning"
> & {
  readonly default: string | undefined;
};

const RUN_FLAGS = {
  outage: { kind: "duration", default: "10s", min: "1s", max: "1h", meaning: "how long the database stays away" },
  warmup: { kind: "duration", default: "5s", min: "1s", max: "10m", meaning: "load before the outage" },
  settle: {
    kind: "duration",
    default: "15s",
    min: "1s",
    max: "1h",
    meaning: "longest time until all is steady again, from the healing",
  },
  rate: { kind: "count", default: "50", min: "1", max: "2000", meaning: "requests a second, on schedule" },
  writes: { kind: "percent", default: "30%", min: "1%", max: "100%", meaning: "part of the requests that write" },
  repeat: { kind: "count", default: "1", min: "1", max: "1000", meaning: "how often each scenario is run" },
  seed: {
    kind: "count",
    default: undefined,
    min: "0",
    max: "999999999",
    meaning: "repeats a run's mix of reads and writes",
  },
  "proxy-port": {
    kind: "count",
    default: undefined,
    min: "1",
    max: "65535",
    meaning: "where the target proxy listens, for a --server to be pointed at",
  },
} as const satisfies Record<string, RunFlag>;

type RunFlagName = keyof typeof RUN_FLAGS;

/** Milliseconds, counts, and parts of 1; the last two are undefined where none was given. */
export type RunValues = Readonly<
  Record<Exclude<RunFlagName, "seed" | "proxy-port">, number> & {
    seed: number | undefined;
    proxyPort: number | undefined;
  }
>;

export function runFlags(): ArgsDef {
  const hints = { duration: "duration", count: "number", percent: "percent" } as const;
  return Object.fromEntries(
    Object.entries(RUN_FLAGS).map(([name, flag]) => {
      const description = `${flag.meaning} (default ${flag.default ?? "a new one"})`;
      return [name, { type: "string", valueHint: hints[flag.kind], description }] as const;
    }),
  );
}

/** @throws DebyError USAGE with name, rule and value */
export function readRunFlags(flags: Flags): RunValues {
  const read = (name: RunFlagName): number | undefined => {
    const flag: RunFlag = RUN_FLAGS[name];
    const text = flags[name]?.toString() ?? flag.default;
    if (text === undefined) return undefined;
    const descriptor = { ...flag, name, default: flag.default ?? "", group: "Server", commands: [] } as const;
    const parsed = parseSetting(descriptor, text);
    if (parsed.ok && typeof parsed.value === "number") return parsed.value;
    throw new DebyError("USAGE", `--${name} ${ruleOf(descriptor)}, received "${text}"`);
  };
  const required = (name: RunFlagName): number => read(name) ?? 0;
  return {
    outage: required("outage"),
    warmup: required("warmup"),
    settle: required("settle"),
    rate: required("rate"),
    writes: required("writes"),
    repeat: required("repeat"),
    seed: read("seed"),
    proxyPort: read("proxy-port"),
  };
}

/**
 * The objectives of `--slo 'ttr<2s,unknown<=3'`.
 * @throws DebyError USAGE
 */
export function readSloFlag({ slo }: Flags): Slo[] {
  return slo === undefined ? [] : slo.toString().split(",").map(parseSlo);
}

/**
 * The scenarios of `--scenario`: one, several with commas, or all.
 * @throws DebyError USAGE
 */
export function readScenarioFlag({ scenario = "stop" }: Flags): readonly Scenario[] {
  return scenario === "all" ? SCENARIOS : scenario.toString().split(",").map(findScenario);
}

/** What deby's own sessions are called: the pool's and the watcher's. */
const DEBY_APPLICATIONS = ["deby", "deby-probe"] as const;

/**
 * By what names the sessions of the running server are told from those of others; undefined where none is judged.
 * @throws DebyError USAGE
 */
export function readServerApplications({ server, "server-application": names }: Flags): readonly string[] | undefined {
  if (names === undefined) return server === undefined ? undefined : DEBY_APPLICATIONS;
  if (server === undefined) {
    throw new DebyError(
      "USAGE",
      "--server-application says what the sessions of a --server are called, and there is none",
    );
  }
  const wanted = names
    .toString()
    .split(",")
    .map((name) => name.trim());
  // A session without a name could be anybody's.
  if (wanted.includes("")) {
    throw new DebyError("USAGE", `--server-application must be one or several names with commas, received "${names}"`);
  }
  return wanted;
}
