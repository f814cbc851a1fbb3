import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moveIntoPlace, type PostgresVersion, postgresBinaries } from "./postgres-binaries.ts";
import { postgresUser } from "./postgres-user.ts";
import { runCommand } from "./run-command.ts";
import { cacheFolder } from "./temp-folder.ts";

/** The password of `postgres` in every template. */
export const TEMPLATE_PASSWORD = "correct-horse-battery";
export const DATABASE = "deby_ecommerce";
/** A second superuser, who comes in over the Unix socket by peer, whatever a test does to passwords and pg_hba.conf. */
export const ADMIN = "deby_test_admin";

/** Part of the folder's name: to be raised when the template's contents change. */
const REVISION = 1;

const made = new Map<PostgresVersion, Promise<string>>();

/** A data folder made once for each version and user, to be copied: a copy takes a tenth of what initdb takes. */
export function postgresTemplate(version: PostgresVersion): Promise<string> {
  const known = made.get(version) ?? findOrMake(version);
  made.set(version, known);
  return known;
}

async function findOrMake(version: PostgresVersion): Promise<string> {
  const bin = await postgresBinaries(version);
  const { uid, gid, prefix } = postgresUser();
  const release = (await runCommand([join(bin, "postgres"), "--version"])).trim().replaceAll(/[^\w.]+/g, "-");
  const target = join(cacheFolder(), `data-${release}-${uid}-${REVISION}`);
  if (existsSync(target)) return target;

  const unfinished = `${target}.${process.pid}`;
  mkdirSync(unfinished, { mode: 0o700 });
  const passwordFile = `${unfinished}.password`;
  writeFileSync(passwordFile, TEMPLATE_PASSWORD, { mode: 0o600 });
  if (process.getuid?.() === 0) {
    chownSync(unfinished, uid, gid);
    chownSync(passwordFile, uid, gid);
  }
  const options = ["--auth=scram-sha-256", "--username=postgres", "--locale=C", "--encoding=UTF8", "--no-sync"];
  const env = { LC_ALL: "C", TZ: "UTC" };
  await runCommand([...prefix, join(bin, "initdb"), "-D", unfinished, `--pwfile=${passwordFile}`, ...options], { env });
  rmSync(passwordFile);
  chmodSync(unfinished, 0o700);
  await runCommand([...prefix, join(bin, "postgres"), "--single", "-F", "-D", unfinished, "postgres"], {
    env,
    stdin: `CREATE DATABASE ${DATABASE}\nCREATE ROLE ${ADMIN} SUPERUSER LOGIN\n`,
  });
  moveIntoPlace(unfinished, target);
  return target;
}
