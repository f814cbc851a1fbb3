import type { LoadedConfig } from "../config/load.ts";
import type { OperatingSystem, Subject } from "./check.ts";

/** What a configuration wants to be examined. */
export function subjectOf({ config, settings, sources, warnings }: LoadedConfig, os: OperatingSystem): Subject {
  return {
    target: config.database,
    settings: sources,
    // Told by the report, not by the log: there they stand beside what they may have caused.
    warnings,
    connectTimeoutMs: config.pool.connectTimeoutMs,
    os,
    instances: settings.instances,
    poolMax: config.pool.poolMax,
  };
}

/** A configuration that was refused names nothing that could be examined. */
export function refusedSubject(refusal: string, os: OperatingSystem): Subject {
  const target = {
    hosts: [],
    database: "",
    user: "",
    password: undefined,
    sslmode: "prefer",
    sslRootCert: undefined,
    applicationName: "deby",
    targetSessionAttrs: "any",
  } as const;
  return { target, settings: [], warnings: [], connectTimeoutMs: 1, os, refusal };
}
