import { chooseDatabase, collectDatabaseSources } from "./database-sources.ts";
import { readTarget, type SettingSource } from "./database-target.ts";
import { checkEmbedded, reportUnusedDatabase, wantsEmbedded, withoutLibpq } from "./embedded.ts";
import { parseEnvFile } from "./env-file.ts";
import { Findings } from "./findings.ts";
import { type FlagValues, levelsOf, type Variables } from "./levels.ts";
import type { ReadFile } from "./read-file.ts";
import type { SettingValues } from "./schema.ts";
import { readOneSetting, readSettings } from "./settings.ts";
import type { Config, ServeSettings } from "./types.ts";
import { checkVariableNames } from "./variable-names.ts";

export interface LoadInputs {
  /** Flags by name without the dashes: `{ "pool-max": "5", canary: "true" }`. Others than the schema's are ignored. */
  readonly flags: FlagValues;
  /** Whether those are a program's options, which are told by their own names. Default: a command's flags. */
  readonly areOptions?: boolean;
  readonly environment: Variables;
  /** The text of `.env`, or undefined where there is none. */
  readonly envFile: string | undefined;
  /** Reads the files that settings point to; relative paths are its matter. */
  readonly readFile: ReadFile;
  readonly platform: NodeJS.Platform;
  /** Whether the command can bring the embedded database; the others take no notice of the setting. Default: false. */
  readonly canEmbed?: boolean;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The validated value of every setting, for what is no part of a server's configuration. */
  readonly settings: SettingValues;
  /** Every setting in effect, the database's parts first; secrets are masked. */
  readonly sources: readonly SettingSource[];
  readonly warnings: readonly string[];
}

/**
 * Makes the configuration from what was written: flag before environment before `.env` before default. The database
 * comes as a whole from the highest level that names it. Pure: everything it looks at is an argument.
 * Throws CONFIG_INVALID with every problem at once, each with name, rule and the value received.
 */
export function loadConfig(inputs: LoadInputs): LoadedConfig {
  const findings = new Findings();
  const envFile = parseEnvFile(inputs.envFile ?? "");
  for (const warning of envFile.warnings) findings.warn(warning);
  checkVariableNames(inputs.environment, "environment", findings);
  checkVariableNames(envFile.variables, ".env", findings);

  const { readFile } = inputs;
  const allLevels = levelsOf(
    { source: inputs.areOptions ? "option" : "flag", values: inputs.flags },
    inputs.environment,
    envFile.variables,
  );
  const isEmbedded = inputs.canEmbed === true && wantsEmbedded(allLevels);
  const levels = isEmbedded ? withoutLibpq(allLevels) : allLevels;
  // What is wrong with a database that is not used is nobody's concern.
  const named = collectDatabaseSources(allLevels, readFile, isEmbedded ? new Findings() : findings);
  if (isEmbedded) reportUnusedDatabase(named, findings);
  const databaseSources = isEmbedded ? [] : named;
  const parts = chooseDatabase(databaseSources, findings);
  const { target, sources } = readTarget(parts, {
    levels,
    readFile,
    findings,
    defaultPgpass: isEmbedded ? undefined : defaultPgpass(inputs),
    hasFileModes: inputs.platform !== "win32",
  });
  const settings = readSettings({ levels, databaseSources, readFile, findings });
  checkReadFrom(target, settings.values, findings);
  if (inputs.canEmbed) checkEmbedded(levels, settings.values, findings);
  findings.throwIfRefused();
  return {
    config: deepFreeze(assemble(target, settings.values)),
    settings: Object.freeze(settings.values),
    sources: Object.freeze([...(isEmbedded ? [] : sources), ...settings.sources]),
    warnings: findings.warnings,
  };
}

/**
 * Where the server listens that the same inputs start. What else they hold may be meant for it alone.
 * Throws CONFIG_INVALID.
 */
export function loadAddress(
  inputs: Pick<LoadInputs, "flags" | "environment" | "envFile" | "readFile">,
): Pick<ServeSettings, "host" | "port"> {
  const { flags, environment, envFile, readFile } = inputs;
  const { variables } = parseEnvFile(envFile ?? "");
  const findings = new Findings();
  const levels = levelsOf({ source: "flag", values: flags }, environment, variables);
  const context = { levels, databaseSources: [], readFile, findings };
  const address = { host: readOneSetting("host", context), port: readOneSetting("port", context) };
  findings.throwIfRefused();
  return address;
}

function assemble(target: Omit<Config["database"], "targetSessionAttrs">, values: SettingValues): Config {
  return {
    database: { ...target, targetSessionAttrs: values["target-session-attrs"] },
    pool: {
      poolMax: values["pool-max"],
      poolMin: values["pool-min"],
      acquireTimeoutMs: values["acquire-timeout"],
      idleTimeoutMs: values["idle-timeout"],
      maxLifetimeMs: values["max-lifetime"],
      maxWaiters: values["max-waiters"],
      connectTimeoutMs: values["connect-timeout"],
      heartbeatIntervalMs: values["heartbeat-interval"],
      heartbeatTimeoutMs: values["heartbeat-timeout"],
      retryAttempts: values["retry-attempts"],
      retryDelaysMs: values["retry-delays"],
      retryIntervalMs: values["retry-interval"],
      watchRatio: values["watch-ratio"],
      watchMinMs: values["watch-min"],
      watchMaxMs: values["watch-max"],
      stallAfterMs: values["stall-after"],
      requestTimeoutMs: values["request-timeout"],
      leaseWarningMs: values["lease-warning"],
      keyRetentionMs: values["key-retention"],
      leaseLimitMs: values["lease-limit"],
      prepare: values.prepare,
      readFrom: values["read-from"],
      readLagLimitMs: values["read-lag-limit"],
    },
    serve: {
      host: values.host,
      port: values.port,
      maxBodyBytes: values["max-body"],
      shutdownTimeoutMs: values["shutdown-timeout"],
      routes: values.routes,
      canary: values.canary,
      embedded: values.embedded,
      dataDir: values["data-dir"],
      adminToken: values["admin-token"],
      metricsToken: values["metrics-token"],
      logFormat: values["log-format"],
      logLevel: values["log-level"],
    },
  };
}

/** Reads can only go elsewhere where there is an elsewhere. */
function checkReadFrom(
  { hosts }: Pick<Config["database"], "hosts">,
  values: Pick<SettingValues, "read-from" | "target-session-attrs">,
  findings: Findings,
): void {
  if (values["read-from"] === "primary") return;
  const role = values["target-session-attrs"];
  if (hosts.length < 2) findings.refuse("read-from=prefer-standby needs a database of several hosts, and there is one");
  if (role !== "read-write" && role !== "primary")
    findings.refuse(`read-from=prefer-standby needs target-session-attrs read-write or primary, received "${role}"`);
}

/** Where libpq looks for the password file. Source: PostgreSQL 18, section 34.16, The Password File. */
function defaultPgpass({ environment, platform }: LoadInputs): string | undefined {
  const { APPDATA, HOME } = environment;
  if (platform === "win32") return APPDATA ? `${APPDATA}\\postgresql\\pgpass.conf` : undefined;
  return HOME ? `${HOME}/.pgpass` : undefined;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
