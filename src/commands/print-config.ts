import type { LoadedConfig } from "../config/load.ts";

/** Every setting in effect with its source, in aligned columns. Secrets are masked already. */
export function renderConfigTable({ sources }: Pick<LoadedConfig, "sources">): string {
  const rows = sources.map(({ name, value, source, from }) => {
    return [name, value, from === "" ? source : `${source} (${from})`] as const;
  });
  const nameWidth = Math.max(...rows.map(([name]) => name.length));
  const valueWidth = Math.max(...rows.map(([, value]) => value.length));
  const line = (row: readonly [string, string, string]) => {
    return `${row[0].padEnd(nameWidth)}  ${row[1].padEnd(valueWidth)}  ${row[2]}`;
  };
  return `${[line(["setting", "value", "source"]), ...rows.map(line)].join("\n")}\n`;
}

/** The same for programs: `{"schema":"deby.config/1","settings":[{name,value,source,from}],"warnings":[]}`. */
export function renderConfigJson({ sources, warnings }: Pick<LoadedConfig, "sources" | "warnings">): string {
  return `${JSON.stringify({ schema: "deby.config/1", settings: sources, warnings }, undefined, 2)}\n`;
}
