import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runCli } from "../../../src/commands/cli.ts";
import { readTextFile } from "../../../src/config/read-file.ts";
import { runDeby } from "../../support/executable.ts";
import { startPostgres } from "../../support/postgres.ts";
import type { PostgresServer } from "../../support/postgres-server.ts";
import { makeTempFolder, type TempFolder } from "../../support/temp-folder.ts";
import { type Environment, environmentOf } from "./run-check.ts";

/** Fifty that are hard on URLs, shells, `.env`, JSON, XML, regular expressions and terminals. */
const PASSWORDS = [
  "p@ss/w#rd?%25:&=x",
  `it's "quoted" here`,
  "***sesam***öffne",
  "hunter2 hunter2",
  "$HOME/$(id)`id`",
  "back\\slash\\\\end",
  "tab\there\tthere",
  "<b>&amp;</b>]]>",
  "ünïcödé-pässwörd",
  "пароль-секрет",
  "密码密码密码密码",
  "🔐🔑🔐🔑 keys",
  "e\u0301-combining-e\u0301",
  "zero\u200bwidth\u200bjoin",
  "right\u202eto-left",
  "%2F%40%3F-decoded",
  "%zz-not-encoded",
  "100%-of-it%",
  "a=b&c=d;e=f,g",
  "#starts-with-hash",
  "ends-with-hash#",
  " leads-and-trails ",
  "'single-quoted'",
  '"double-quoted"',
  "mixed'\"`quotes",
  '{"json":"like"}',
  "[1,2,3]-array-like",
  "null-undefined",
  "true-ish-false",
  "0123456789012345",
  "postgres://u:p@h/d",
  "sslmode=require x",
  "user@example.com:x",
  "host:5432/database",
  "semi;colon;drop",
  "--flag=value --x",
  "-U postgres -W",
  "*?[a-z]{1,2}!(x)",
  "^(regex|.*)+$-[x]",
  "\\d+\\w*\\n-literal",
  "\u001b[31mred\u001b[0m",
  "bell\u0007-bell\u0007",
  "carriage\rreturn",
  "new\nline-inside",
  "long-".repeat(40),
  "~tilde^caret|pipe",
  "comma,separated,v",
  "colon:separated:v",
  "DATABASE_URL=x y",
  "export A='b' # c",
] as const;

let server: PostgresServer;
let folder: TempFolder;
beforeAll(async () => {
  server = await startPostgres();
  folder = makeTempFolder("check-passwords");
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** One way to hand over a password. */
interface Way {
  readonly env: Environment;
  readonly flags?: readonly string[];
  readonly envFile?: string;
}

function file(name: string, text: string): string {
  const path = join(folder.path, name);
  writeFileSync(path, text);
  chmodSync(path, 0o600);
  return path;
}

/** Every way there is, as far as the password can go it; `isWhole` tells a password that a line can hold. */
function waysOf(password: string, isWhole: boolean): Record<string, Way> {
  const { host, port, user, database } = server;
  const encoded = encodeURIComponent(password);
  const url = `postgres://${user}:${encoded}@${host}:${port}/${database}`;
  const inQuery = `postgres://${host}:${port}/${database}?user=${user}&password=${encoded}`;
  const docker = { POSTGRES_HOST: host, POSTGRES_PORT: String(port), POSTGRES_DB: database, POSTGRES_USER: user };
  const { PGPASSWORD: _, ...libpq } = environmentOf(server);
  const parts = ["--db-host", host, "--db-port", String(port), "--db-name", database, "--db-user", user];
  const quoted = `"${password.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("$", "\\$")}"`;
  const escaped = password.replaceAll(/[\\:]/g, "\\$&");
  const ways: Record<string, Way> = {
    DATABASE_URL: { env: { DATABASE_URL: url } },
    "DATABASE_URL's query": { env: { DATABASE_URL: inQuery } },
    DATABASE_URL_FILE: { env: { DATABASE_URL_FILE: file("url", `${url}\n`) } },
    "--db-url": { env: {}, flags: [`--db-url=${url}`] },
    "--db-password-file": { env: {}, flags: [...parts, "--db-password-file", file("password", `${password}\n`)] },
    PGPASSWORD: { env: { ...libpq, PGPASSWORD: password } },
    PGPASSWORD_FILE: { env: { ...libpq, PGPASSWORD_FILE: file("password", `${password}\n`) } },
    POSTGRES_PASSWORD: { env: { ...docker, POSTGRES_PASSWORD: password } },
    POSTGRES_PASSWORD_FILE: { env: { ...docker, POSTGRES_PASSWORD_FILE: file("password", `${password}\n`) } },
    ".env": { env: {}, envFile: `DATABASE_URL=${url}\n` },
    ".env, quoted": { env: docker, envFile: `POSTGRES_PASSWORD=${quoted}\nPGUSER=${user}\n` },
    "a URL that holds it as it is": {
      env: { DATABASE_URL: `postgres://${user}:${password}@${host}:${port}/${database}` },
    },
  };
  if (isWhole) ways["PGPASSFILE"] = { env: { ...libpq, PGPASSFILE: file("pgpass", `*:*:*:*:${escaped}\n`) } };
  return ways;
}

/** Runs deby in this process, which is the same code at a tenth of the time. */
async function run({ env, flags = [], envFile }: Way, ...more: string[]): Promise<{ exitCode: number; text: string }> {
  let text = "";
  const stream = { write: (part: string) => (text += part) };
  const exitCode = await runCli(["check", ...more, ...flags], {
    stdout: stream,
    stderr: stream,
    env,
    platform: process.platform,
    readFile: (path) => {
      if (path !== ".env") return readTextFile(path);
      if (envFile !== undefined) return { text: envFile, mode: 0o600 };
      throw Object.assign(new Error("There is no .env"), { code: "ENOENT" });
    },
    ask: () => Promise.resolve(undefined),
    exit: () => {},
    onSignals: () => () => {},
    onStrayError: () => {},
  });
  return { exitCode, text };
}

/** Does it in all ways at once, each with a file of its own for what JUnit reads. */
async function inEachWay(
  ways: Record<string, Way>,
  work: (way: Way, name: string, junit: string) => Promise<void>,
): Promise<void> {
  const all = Object.entries(ways);
  await Promise.all(all.map(([name, way], index) => work(way, name, join(folder.path, `check-${index}.xml`))));
}

/** How a password could be recognized in an output, in one of its notations. */
function shapesOf(password: string): string[] {
  const inXml = password
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
  const bytes = Buffer.from(password);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const shown = password.replaceAll(/[\u0000-\u001f\u007f]/g, "·");
  const shapes = [password, password.trim(), encodeURIComponent(password), JSON.stringify(password).slice(1, -1)];
  return [...new Set([...shapes, inXml, shown, bytes.toString("base64"), bytes.toString("hex")])];
}

function expectSecret(text: string, password: string): void {
  for (const shape of shapesOf(password)) expect(text).not.toContain(shape);
}

describe("deby check shows no password, right or wrong, in stdout, stderr, JSON or JUnit", () => {
  test("there are fifty of them", () => {
    expect(new Set(PASSWORDS).size).toBe(50);
  });

  test.each([...PASSWORDS])("%j", async (password) => {
    await server.psql(`ALTER ROLE postgres PASSWORD '${password.replaceAll("'", "''")}'`);
    const isWhole = !/[\r\n]/.test(password);
    const outcomes: Record<string, number> = {};
    await inEachWay(waysOf(password, isWhole), async (way, name, junit) => {
      const json = await run(way, "--only", "connection", "--json", "--junit", junit);
      outcomes[name] = json.exitCode;
      expectSecret(json.text, password);
      expectSecret(readFileSync(junit, "utf8"), password);
    });
    expect(outcomes).toMatchObject({
      DATABASE_URL: 0,
      "DATABASE_URL's query": 0,
      PGPASSWORD: 0,
      POSTGRES_PASSWORD: 0,
    });
    await inEachWay(waysOf(`${password}!`, isWhole), async (way, _, junit) => {
      const text = await run(way, "--only", "connection", "--junit", junit);
      expect(text.exitCode).not.toBe(0);
      expectSecret(text.text, password);
      expectSecret(readFileSync(junit, "utf8"), password);
    });
  });

  test("nor does the executable", async () => {
    const [password] = PASSWORDS;
    await server.psql(`ALTER ROLE postgres PASSWORD '${password}'`);
    for (const given of [password, `${password}!`]) {
      for (const { env, flags = [] } of Object.values(waysOf(given, true))) {
        const { stdout, stderr } = await runDeby(["check", ...flags], { env });
        expectSecret(stdout + stderr, password);
      }
    }
  });
});
