import { sqlName } from "../shell.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { count, listed, manual, psql } from "./words.ts";

export interface ExtensionRow {
  readonly name: string;
  readonly installed: string;
  readonly available: string;
}

const QUESTION = `select e.extname as name, e.extversion as installed, a.default_version as available
  from pg_extension e join pg_available_extensions a on a.name = e.extname
  where a.default_version <> e.extversion order by e.extname`;

export const extensionsCheck = healthCheck<readonly ExtensionRow[]>({
  ...TABLE.extensions,
  about: "Extensions whose files were renewed, and whose objects in this database were not.",
  isPrimarys: true,
  look: ({ ask }) => ask<ExtensionRow>(QUESTION),
  judge(rows, scene) {
    const [first] = rows;
    if (first === undefined) return { status: "pass", evidence: "every extension is as new as its files" };
    return {
      status: "warn",
      evidence: listed(rows.map(({ name, installed, available }) => `${name} is ${installed}, ${available} is there`)),
      cause: `${count(rows.length, "extension is", "extensions are")} older in this database than on the server, such as ${first.name}. An upgrade of the packages does not reach the databases by itself, and mended bugs stay. The command updates it in one transaction`,
      fix: psql(scene, `ALTER EXTENSION ${sqlName(first.name)} UPDATE`),
      docs: manual("sql-alterextension.html"),
    };
  },
});
