/** What a line of the password file is compared with. */
export interface PgpassKey {
  /** A host, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password of the first line `host:port:database:user:password` that fits; `*` fits anything, `\:` is a colon,
 * `#` begins a comment. A Unix socket goes by the name `localhost` too.
 * Source: PostgreSQL 18, section 34.16, The Password File.
 */
export function findPgpassPassword(text: string, key: PgpassKey): string | undefined {
  const hosts = key.host.startsWith("/") ? [key.host, "localhost"] : [key.host];
  const wanted = [hosts, [String(key.port)], [key.database], [key.user]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = splitFields(line);
    const password = fields[4];
    if (password === undefined || password === "") continue;
    const fits = wanted.every((values, index) => fields[index] === "*" || values.includes(fields[index] ?? ""));
    if (fits) return password;
  }
  return undefined;
}

/** Five fields at most: what follows the fourth colon is the password, unless it is cut by a fifth one. */
function splitFields(line: string): string[] {
  const fields = [""];
  for (let index = 0; index < line.length; index++) {
    const letter = line[index];
    if (letter === ":") {
      fields.push("");
      continue;
    }
    if (letter === "\\" && index + 1 < line.length) index++;
    fields[fields.length - 1] += line[index] ?? "";
  }
  return fields;
}
