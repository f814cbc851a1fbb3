import { describe, expect, test } from "bun:test";
import { loadWith, refusalOf, type Written } from "./load-with.ts";

const embedded = (written: Written) => loadWith({ canEmbed: true, ...written });

describe("loadConfig() with the embedded database", () => {
  test("takes it from the flag or the variable, with its folder", () => {
    const { config } = embedded({ flags: { embedded: "true", "data-dir": "./data" } });
    expect(config.serve).toMatchObject({ embedded: true, dataDir: "./data" });
    expect(embedded({ env: { DEBY_EMBEDDED: "1" } }).config.serve.embedded).toBe(true);
    expect(embedded({ env: { DEBY_EMBEDDED: "1" }, flags: { embedded: "false" } }).config.serve.embedded).toBe(false);
  });

  test.each([{ "db-host": "db" }, { "db-url": "postgres://db/shop" }, { "db-user": "me" }, { "db-url": "nonsense" }])(
    "refuses it together with a flag that names a database: %p",
    (flags) => {
      const written = { canEmbed: true, flags: { embedded: "true", ...flags } };
      expect(refusalOf(written)).toContain("embedded brings a database of its own");
      expect(refusalOf(written)).toContain(`--${Object.keys(flags)[0]}`);
    },
  );

  test("warns once that a database of the environment or .env is not used, and takes nothing from it", () => {
    const { config, sources, warnings } = embedded({
      flags: { embedded: "true" },
      env: { DATABASE_URL: "postgres://u:p@db:1/x?target_session_attrs=standby", PGCONNECT_TIMEOUT: "77", PGHOST: "h" },
      envFile: "POSTGRES_HOST=other",
    });
    expect(warnings).toEqual([
      "Not used, since embedded brings a database of its own: DATABASE_URL, PGHOST, POSTGRES_HOST",
    ]);
    expect(config.database.targetSessionAttrs).toBe("read-write");
    expect(config.pool.connectTimeoutMs).toBe(5000);
    expect(sources.filter(({ name }) => name.startsWith("db-"))).toEqual([]);
  });

  test("is not disturbed by a database of the environment that is not valid", () => {
    expect(embedded({ flags: { embedded: "true" }, env: { DATABASE_URL: "nonsense" } }).config.serve.embedded).toBe(
      true,
    );
  });

  test("refuses a role that it can never have", () => {
    const flags = { embedded: "true", "target-session-attrs": "standby" };
    expect(refusalOf({ canEmbed: true, flags })).toContain("must not be standby (--target-session-attrs)");
  });

  test("warns that a data folder means nothing without it", () => {
    expect(embedded({ flags: { "data-dir": "x" } }).warnings).toEqual(["--data-dir has no effect without --embedded"]);
  });

  test("is of no concern to commands that cannot bring it: their database is the one that is named", () => {
    const { config, warnings } = loadWith({ env: { DEBY_EMBEDDED: "true", PGHOST: "db" } });
    expect(config.database.hosts).toEqual([{ host: "db", port: 5432 }]);
    expect(warnings).toEqual([]);
  });
});
