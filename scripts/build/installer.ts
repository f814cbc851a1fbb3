/**
 * An installer that knows which release it belongs to. `baseUrl` may hold `{version}`; without it the text stays as it
 * is, and whoever runs it says where to download from.
 */
export function installerOf(
  text: string,
  { version, baseUrl }: { readonly version: string; readonly baseUrl: string | undefined },
): string {
  if (baseUrl === undefined) return text;
  // It becomes a part of two shells' source.
  if (!/^https?:\/\/[\w.:/{}~-]+$/.test(baseUrl))
    throw new Error(`--base-url must be a plain URL, received "${baseUrl}"`);
  const filled = text
    .replace(/^(release_version=| *\$ReleaseVersion = )''$/m, `$1'${version}'`)
    .replace(/^(release_base_url=| *\$ReleaseBaseUrl = )''$/m, `$1'${baseUrl}'`);
  if (!filled.includes(`'${baseUrl}'`) || !filled.includes(`'${version}'`)) {
    throw new Error("The installer has no lines for its version and base URL");
  }
  return filled;
}
