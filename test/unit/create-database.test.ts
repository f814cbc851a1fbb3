import { afterEach, describe, expect, spyOn, test } from "bun:test";
import { createDatabase, type DatabaseOptions } from "../../src/create-database.ts";
import { DebyError } from "../../src/errors.ts";

/** A port where nobody listens: nothing is asked of the database here. */
const NOWHERE = "postgres://shop:opensesame@127.0.0.1:1/shop";

function refusal(options: DatabaseOptions): DebyError {
  try {
    void createDatabase(options).close({ graceMs: 0 });
  } catch (error) {
    if (error instanceof DebyError) return error;
  }
  throw new Error("It was not refused");
}

function recordingLog() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { lines, info: write, warn: write, error: write };
}

describe("createDatabase()", () => {
  const written = (["log", "info", "warn", "error", "debug"] as const).map((name) => spyOn(console, name));
  afterEach(() => {
    for (const spy of written) spy.mockClear();
  });

  test("takes options before the environment before the defaults", async () => {
    const env = { DATABASE_URL: NOWHERE, DEBY_POOL_MAX: "7", DEBY_POOL_MIN: "3" };
    await using db = createDatabase({ env, poolMax: 5 });
    expect(db.stats()).toMatchObject({ max: 5, min: 3 });
  });

  test("takes the database as a whole from the options, and looks nowhere else with an empty environment", async () => {
    const log = recordingLog();
    await using db = createDatabase({ databaseUrl: NOWHERE, env: {}, log });
    expect(db.state().name).toBe("starting");
    expect(log.lines).toEqual(["Connecting to PostgreSQL (127.0.0.1:1/shop)"]);
  });

  test("tells its log, and nobody else, what is doubtful and what becomes of the database", async () => {
    const log = recordingLog();
    const env = { DATABASE_URL: "postgres://elsewhere/other" };
    const db = createDatabase({ databaseUrl: NOWHERE, env, log });
    const failed = Promise.withResolvers<void>();
    db.on("attemptFailed", () => failed.resolve());
    await failed.promise;
    await db.close();
    expect(log.lines.slice(0, 3)).toEqual([
      "Not used (environment): host elsewhere in DATABASE_URL, but 127.0.0.1 in option databaseUrl; dbname other in DATABASE_URL, but shop in option databaseUrl",
      "Connecting to PostgreSQL (127.0.0.1:1/shop)",
      "Connection attempt 1/5 failed: connection refused (ECONNREFUSED)",
    ]);
    for (const spy of written) expect(spy).not.toHaveBeenCalled();
  });

  test("writes nothing where it has no log", async () => {
    const db = createDatabase({ databaseUrl: NOWHERE, env: { PGSERVICE: "unknown" } });
    const failed = Promise.withResolvers<void>();
    db.on("attemptFailed", () => failed.resolve());
    await failed.promise;
    await db.close();
    for (const spy of written) expect(spy).not.toHaveBeenCalled();
  });

  test("refuses with the option's name, the rule and the value, all at once", () => {
    const { code, message } = refusal({ env: {}, poolMax: 0, idleTimeout: "10ms", requestTimeout: "48h" });
    expect(code).toBe("CONFIG_INVALID");
    expect(message).toBe(`2 settings are not valid:
  - request-timeout must be a duration from 10ms to 24h, written with its unit like 250ms, 10s, 5m or 1h, received "48h" (option requestTimeout)
  - pool-max must be a whole number from 1 to 10000, received "0" (option poolMax)`);
  });

  test("refuses what only JavaScript lets through", () => {
    const wrong = { env: {}, acquireTimeout: 5000 } as unknown as DatabaseOptions;
    expect(refusal(wrong).message).toEndWith('received "5000" (option acquireTimeout)');
  });

  test("shows no password of a URL that it refuses", () => {
    const { message } = refusal({ env: {}, databaseUrl: "postgres://shop:open#sesame@db/shop" });
    expect(message).toStartWith("option databaseUrl ");
    expect(message).not.toContain("sesame@");
  });

  test("refuses names in the environment as the command does", () => {
    expect(refusal({ env: { DEBY_POOL_MAXX: "3" } }).message).toBe(
      "DEBY_POOL_MAXX in the environment is not a setting of deby; did you mean DEBY_POOL_MAX?",
    );
  });

  test("listens to no signal, and is closed once however often it is asked to", async () => {
    const before = process.listenerCount("SIGTERM") + process.listenerCount("SIGINT");
    const db = createDatabase({ databaseUrl: NOWHERE, env: {} });
    expect(process.listenerCount("SIGTERM") + process.listenerCount("SIGINT")).toBe(before);
    const closing = db.close();
    expect(db.with({ deadlineMs: 10 }).close()).toBe(closing);
    await closing;
    expect(db.state().name).toBe("closed");
    expect(await db.read`select 1`.catch((error: DebyError) => error.code)).toBe("SHUTTING_DOWN");
  });
});
