import { readFileSync } from "node:fs";
import postgres from "postgres";
import { withoutVariables } from "../core/without-variables.ts";
import type { DatabaseEndpoint } from "./target.ts";

/** One connection by the bare driver, which owes nothing to the pool under test. Whoever asks bounds the waiting. */
export function connectDriver(endpoint: DatabaseEndpoint, limitMs: number): postgres.Sql {
  const { host, port, user, password, database } = endpoint;
  // What it is not told the driver takes from the environment, which is about another database.
  const settings = {
    host,
    port,
    user,
    password: password.reveal(),
    database,
    max: 1,
    ssl: tlsOf(endpoint),
    fetch_types: false,
    connect_timeout: limitMs / 1_000,
    onnotice: () => {},
    connection: { application_name: "deby-outage" },
  };
  return withoutVariables(/^PG/, () => postgres(settings));
}

function tlsOf({ tls, host }: DatabaseEndpoint) {
  if (tls === undefined || tls.mode === "disable") return false;
  switch (tls.mode) {
    case "allow":
    case "prefer":
      return "prefer" as const;
    case "require":
      return "require" as const;
    case "verify-ca":
    case "verify-full": {
      const ca = tls.rootCert === undefined || tls.rootCert === "system" ? {} : { ca: readFileSync(tls.rootCert) };
      // The name is looked at under verify-full only.
      const anyName = tls.mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {};
      return { rejectUnauthorized: true, servername: host, ...ca, ...anyName };
    }
    default:
      return tls.mode satisfies never;
  }
}

/** Waits for the work, not longer than that, and closes the connection either way. @throws the driver's error */
export async function within<T>(sql: postgres.Sql, work: Promise<T>, limit: AbortSignal): Promise<T> {
  try {
    return await orLate(work, limit);
  } finally {
    await sql.end({ timeout: 0 }).catch(() => {});
  }
}

/** Waits for the work, not longer than that. @throws the driver's error */
export function orLate<T>(work: Promise<T>, limit: AbortSignal): Promise<T> {
  return Promise.race([work, rejectedBy(limit)]);
}

function rejectedBy(limit: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const refuse = (): void => reject(new Error("The database did not answer in time"));
    if (limit.aborted) refuse();
    else limit.addEventListener("abort", refuse, { once: true });
  });
}
