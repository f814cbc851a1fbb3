import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { devDependencies } from "../../../package.json";
import { DATABASE_SETTINGS } from "../../../src/config/database-settings.ts";
import { parseDuration } from "../../../src/config/duration.ts";
import { SETTINGS, type SettingDescriptor } from "../../../src/config/schema.ts";

const ROOT = join(import.meta.dir, "../../..");
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

interface Service {
  readonly image: string;
  readonly restart: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly stop_grace_period: string;
}

interface Compose {
  readonly services: { readonly deby: Service; readonly postgres: Service };
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

const compose = Bun.YAML.parse(read("compose.yaml")) as Compose;

test("compose.yaml gives both sides the same database, and the password only as a file that git ignores", () => {
  const { deby, postgres } = compose.services;
  const { POSTGRES_HOST, ...shared } = deby.environment;
  expect(POSTGRES_HOST).toBe("postgres");
  expect(shared).toEqual(postgres.environment as typeof shared);
  expect(shared["POSTGRES_PASSWORD_FILE"]).toBe("/run/secrets/postgres_password");
  for (const { secrets } of [deby, postgres]) expect(secrets).toEqual(["postgres_password"]);
  expect(Object.keys(shared)).not.toContain("POSTGRES_PASSWORD");
  const { file = "" } = compose.secrets["postgres_password"] ?? {};
  expect(read(".gitignore")).toContain(`/${file.split("/")[0]}/\n`);
});

test("compose.yaml names only variables that deby reads, restarts both, and lets deby shut down in peace", () => {
  const { deby, postgres } = compose.services;
  const known = DATABASE_SETTINGS.flatMap(({ docker }) => (docker === undefined ? [] : [docker, `${docker}_FILE`]));
  for (const name of Object.keys(deby.environment)) expect(known).toContain(name);
  for (const { restart } of [deby, postgres]) expect(restart).toBe("unless-stopped");
  const shutdown =
    (SETTINGS as readonly SettingDescriptor[]).find(({ name }) => name === "shutdown-timeout")?.default ?? "";
  expect(parseDuration(deby.stop_grace_period)).toBeGreaterThan(parseDuration(shutdown) ?? Number.NaN);
});

test("the Dockerfile builds with the Bun that package.json names, and copies nothing that .dockerignore leaves out", () => {
  const dockerfile = read("Dockerfile");
  expect(dockerfile).toContain(`ARG BUN=oven/bun:${devDependencies.bun}-`);
  const ignored = read(".dockerignore").split("\n");
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = ""]) =>
    sources.split(" "),
  );
  expect(copied).toContain("src");
  for (const source of copied) expect(ignored).toContain(`!${source}`);
});
