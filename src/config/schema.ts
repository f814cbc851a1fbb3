import type { Secret } from "./secret.ts";

export type CommandName = "serve" | "check" | "simulate-outage";

type SettingGroup =
  | "Server"
  | "Embedded database"
  | "Pool"
  | "Detection and recovery"
  | "Outage simulation"
  | "Logging";

interface SettingBase {
  /** The one name: `--pool-max`, `DEBY_POOL_MAX` and the documentation come from it. */
  readonly name: string;
  readonly meaning: string;
  readonly group: SettingGroup;
  /** The commands that offer it as a flag; the others ignore its variable. */
  readonly commands: readonly CommandName[];
  /** Other variables that are read after the setting's own. */
  readonly alsoReads?: readonly string[];
}

interface Ranged {
  /** Written as a user writes it. */
  readonly default: string;
  readonly min: string;
  readonly max: string;
  /** A setting this one may not exceed; the default gives way to it, a value that was set is refused. */
  readonly notAbove?: string;
  /** The duration may also be `off`, which is for ever. */
  readonly orOff?: true;
}

/** A setting as declared here: kind, default, range and unit in a user's notation. */
export type SettingDescriptor = SettingBase &
  (
    | (Ranged & { readonly kind: "count" | "duration" | "percent" | "bytes" })
    | {
        readonly kind: "durations";
        readonly default: string;
        readonly min: string;
        readonly max: string;
        readonly maxItems: number;
      }
    | { readonly kind: "choice"; readonly default: string; readonly choices: readonly string[] }
    | { readonly kind: "boolean"; readonly default: "false" }
    | { readonly kind: "host" | "image" | "folder"; readonly default: string }
    | { readonly kind: "file"; readonly default?: undefined }
    | { readonly kind: "secret"; readonly default?: undefined }
  );

const SERVE = ["serve"] as const;
/** What a server under test is told, and judged by. */
const SERVE_AND_OUTAGE = ["serve", "simulate-outage"] as const;
const ALL = ["serve", "check", "simulate-outage"] as const;

/** Every setting of deby's own. Flags, variables, validation, help and README's table are made of it. */
export const SETTINGS = [
  {
    name: "host",
    kind: "host",
    default: "127.0.0.1",
    group: "Server",
    commands: SERVE,
    meaning: "address the API listens on; 0.0.0.0 for every IPv4 interface",
  },
  {
    name: "port",
    kind: "count",
    default: "5000",
    min: "0",
    max: "65535",
    group: "Server",
    commands: SERVE,
    alsoReads: ["PORT"],
    meaning: "port the API listens on; 0 takes a free one",
  },
  {
    name: "request-timeout",
    kind: "duration",
    default: "30s",
    min: "10ms",
    max: "24h",
    notAbove: "key-retention",
    group: "Server",
    commands: SERVE_AND_OUTAGE,
    meaning: "deadline of an HTTP request, all waiting included",
  },
  {
    name: "max-body",
    kind: "bytes",
    default: "1mb",
    min: "1b",
    max: "1gb",
    group: "Server",
    commands: SERVE,
    meaning: "larger requests are answered with 413",
  },
  {
    name: "shutdown-timeout",
    kind: "duration",
    default: "25s",
    min: "0ms",
    max: "1h",
    group: "Server",
    commands: SERVE,
    meaning: "requests in flight may finish for so long after SIGTERM",
  },
  {
    name: "routes",
    kind: "file",
    group: "Server",
    commands: SERVE,
    meaning: "TypeScript module with routes of your own",
  },
  {
    name: "canary",
    kind: "boolean",
    default: "false",
    group: "Server",
    commands: SERVE,
    meaning: "adds the canary routes, which write to and read from deby.canary",
  },
  {
    name: "admin-token",
    kind: "secret",
    group: "Server",
    commands: SERVE,
    meaning: "opens the admin routes; without it they answer on a loopback listener only",
  },
  {
    name: "metrics-token",
    kind: "secret",
    group: "Server",
    commands: SERVE,
    meaning: "opens GET /metrics and nothing else, besides the admin token",
  },
  {
    name: "embedded",
    kind: "boolean",
    default: "false",
    group: "Embedded database",
    commands: SERVE,
    meaning: "brings a PostgreSQL of its own, for trying and for tests: one session shared by all connections",
  },
  {
    name: "data-dir",
    kind: "folder",
    default: "./.deby/embedded",
    group: "Embedded database",
    commands: SERVE,
    meaning: "where the embedded database keeps its data",
  },
  {
    name: "pool-max",
    kind: "count",
    default: "20",
    min: "1",
    max: "10000",
    group: "Pool",
    commands: SERVE,
    meaning: "most pooled connections; probes use at most 2 more",
  },
  {
    name: "pool-min",
    kind: "count",
    default: "2",
    min: "0",
    max: "10000",
    notAbove: "pool-max",
    group: "Pool",
    commands: SERVE,
    meaning: "connections that are kept open, and replaced within 1s",
  },
  {
    name: "acquire-timeout",
    kind: "duration",
    default: "60s",
    min: "1ms",
    max: "24h",
    group: "Pool",
    commands: SERVE,
    meaning: "longest wait for a connection; the request's deadline counts if it is earlier",
  },
  {
    name: "idle-timeout",
    kind: "duration",
    default: "10s",
    min: "10ms",
    max: "24h",
    group: "Pool",
    commands: SERVE,
    meaning: "an idle connection above pool-min is closed after so long",
  },
  {
    name: "max-lifetime",
    kind: "duration",
    default: "30m",
    min: "100ms",
    max: "24h",
    group: "Pool",
    commands: SERVE,
    meaning: "age at which a connection is replaced, up to 10 % sooner or later, never in mid-query",
  },
  {
    name: "max-waiters",
    kind: "count",
    default: "1000",
    min: "0",
    max: "1000000",
    group: "Pool",
    commands: SERVE,
    meaning: "most requests held or waiting; one more is refused at once",
  },
  {
    name: "connect-timeout",
    kind: "duration",
    default: "5s",
    min: "10ms",
    max: "1h",
    group: "Pool",
    commands: ["serve", "check"],
    meaning: "TCP, TLS and authentication together; PGCONNECT_TIMEOUT is read too, in seconds",
  },
  {
    name: "lease-warning",
    kind: "duration",
    default: "30s",
    min: "1ms",
    max: "24h",
    orOff: true,
    group: "Pool",
    commands: SERVE,
    meaning: "a connection that one holder keeps so long is logged, with where it was taken; off for never",
  },
  {
    name: "key-retention",
    kind: "duration",
    default: "24h",
    min: "1s",
    max: "8760h",
    group: "Pool",
    commands: SERVE,
    meaning: "how long the keys of exactly-once writes are kept",
  },
  {
    name: "lease-limit",
    kind: "duration",
    default: "off",
    min: "1ms",
    max: "24h",
    orOff: true,
    group: "Pool",
    commands: SERVE,
    meaning: "a connection that one holder keeps so long is taken away from it; off for never",
  },
  {
    name: "target-session-attrs",
    kind: "choice",
    default: "read-write",
    choices: ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
    group: "Pool",
    commands: ["serve", "check"],
    meaning: "role a host must have to be used; PGTARGETSESSIONATTRS is read too",
  },
  {
    name: "read-from",
    kind: "choice",
    default: "primary",
    choices: ["primary", "prefer-standby"],
    group: "Pool",
    commands: SERVE,
    meaning: "prefer-standby gives declared reads to a standby among the hosts, over as many connections again",
  },
  {
    name: "read-lag-limit",
    kind: "duration",
    default: "10s",
    min: "100ms",
    max: "24h",
    group: "Pool",
    commands: SERVE,
    meaning: "a standby whose data may be older than this is not read from",
  },
  {
    name: "prepare",
    kind: "choice",
    default: "auto",
    choices: ["auto", "on", "off"],
    group: "Pool",
    commands: SERVE,
    meaning: "named prepared statements; auto: not behind a pooler, which is found out",
  },
  {
    name: "instances",
    kind: "count",
    default: "1",
    min: "1",
    max: "100000",
    group: "Pool",
    commands: ["serve", "check"],
    meaning: "how many processes of deby share the server, for the checks of its connections",
  },
  {
    name: "heartbeat-interval",
    kind: "duration",
    default: "30s",
    min: "10ms",
    max: "24h",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "pause between background probes, which have a connection of their own",
  },
  {
    name: "heartbeat-timeout",
    kind: "duration",
    default: "5s",
    min: "10ms",
    max: "24h",
    notAbove: "heartbeat-interval",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "a background probe without an answer for so long has failed",
  },
  {
    name: "stall-after",
    kind: "duration",
    default: "2s",
    min: "10ms",
    max: "24h",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "a statement without a byte of answer for so long makes deby ask whether the server is alive",
  },
  {
    name: "retry-attempts",
    kind: "count",
    default: "5",
    min: "1",
    max: "1000",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "attempts to reconnect in the first series",
  },
  {
    name: "retry-delays",
    kind: "durations",
    default: "2s,4s,6s,8s,10s",
    min: "1ms",
    max: "24h",
    maxItems: 1000,
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "pause after each attempt of the series; the last one repeats",
  },
  {
    name: "retry-interval",
    kind: "duration",
    default: "10s",
    min: "10ms",
    max: "24h",
    group: "Detection and recovery",
    commands: SERVE_AND_OUTAGE,
    meaning: "pause between attempts after the series, for ever, until reconnected",
  },
  {
    name: "watch-ratio",
    kind: "percent",
    default: "2%",
    min: "0%",
    max: "100%",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "between attempts a quiet probe looks again after this part of the outage's age",
  },
  {
    name: "watch-min",
    kind: "duration",
    default: "50ms",
    min: "1ms",
    max: "1h",
    notAbove: "watch-max",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "shortest pause between quiet probes",
  },
  {
    name: "watch-max",
    kind: "duration",
    default: "2s",
    min: "1ms",
    max: "1h",
    group: "Detection and recovery",
    commands: SERVE,
    meaning: "longest pause between quiet probes",
  },
  {
    name: "image",
    kind: "image",
    default: "postgres:17-alpine",
    group: "Outage simulation",
    commands: ["simulate-outage"],
    meaning: "Docker image of the throw-away PostgreSQL that is broken; pulled where it is not on this machine",
  },
  {
    name: "log-format",
    kind: "choice",
    default: "pretty",
    choices: ["pretty", "json"],
    group: "Logging",
    commands: ALL,
    meaning: "json writes one object a line; pretty is plain text where stderr is no terminal",
  },
  {
    name: "log-level",
    kind: "choice",
    default: "info",
    choices: ["debug", "info", "warn", "error"],
    group: "Logging",
    commands: ALL,
    meaning: "least severe level that is written",
  },
] as const satisfies readonly SettingDescriptor[];

type Setting = (typeof SETTINGS)[number];

export type SettingName = Setting["name"];

type ValueOf<S extends Setting> = S extends { kind: "count" | "duration" | "percent" | "bytes" }
  ? number
  : S extends { kind: "durations" }
    ? readonly number[]
    : S extends { kind: "boolean" }
      ? boolean
      : S extends { kind: "choice"; choices: readonly (infer Choice)[] }
        ? Choice
        : S extends { kind: "secret" }
          ? Secret | undefined
          : S extends { default: string }
            ? string
            : string | undefined;

/** The validated value of every setting: durations in milliseconds, sizes in bytes, percentages as parts of 1. */
export type SettingValues = { readonly [S in Setting as S["name"]]: ValueOf<S> };

/** `pool-max` is `DEBY_POOL_MAX` in the environment. */
export function variableName(name: string): string {
  return `DEBY_${name.toUpperCase().replaceAll("-", "_")}`;
}
