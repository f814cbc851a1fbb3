// A program on the database of deby, without a server around it: works until SIGTERM, closes, and ends only because
// nothing is left to do: no timer, no socket. Nobody calls process.exit.

import { Secret } from "../../../src/config/secret.ts";
import { openDatabase } from "../../../src/database/database.ts";
import { defaultSettings, targetAt } from "../../support/settings.ts";
import { WORKERS } from "./load.ts";
import { PASSWORD, ROLE } from "./stage.ts";

const port = Number(process.argv[2]);
const target = targetAt(port, { user: ROLE, password: new Secret(PASSWORD) });
const db = openDatabase(target, defaultSettings);
let isOver = false;

db.on("transition", ({ to }) => console.log(`state ${to.name}`));
const working = Promise.all(Array.from({ length: WORKERS }, work));
process.once("SIGTERM", () => void close());

async function work(): Promise<void> {
  while (!isOver) await db.read`select pg_sleep(0.01)`.catch(() => Bun.sleep(10));
}

async function close(): Promise<void> {
  isOver = true;
  await db.close({ graceMs: 200 });
  await working;
  console.log(`closed with ${db.stats().total} connections`);
}
