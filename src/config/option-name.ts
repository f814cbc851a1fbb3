import { DATABASE_URL } from "./database-settings.ts";

/** What a program calls a setting: `pool-max` is `poolMax`, and the database's URL goes by its variable's name. */
export function optionName(flag: string): string {
  return inCamelCase(flag === DATABASE_URL.flag ? DATABASE_URL.variable.toLowerCase().replaceAll("_", "-") : flag);
}

export function inCamelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
