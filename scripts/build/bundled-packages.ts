import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What Bun tells about the modules of a bundle; their paths are relative to the project. */
export type Metafile = Pick<Bun.BuildMetafile, "inputs">;

export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX's identifier or expression. */
  readonly license: string;
  /** SHA-512 of what the registry gave, in base64, from the lock file. */
  readonly sha512: string | undefined;
  /** `name@version` of the packages that its modules import. */
  readonly imports: ReadonlySet<string>;
}

/**
 * The packages of which a module was bundled, by `name@version`, the project itself first.
 * @throws Error when one of them names no licence.
 */
export function bundledPackages(metafiles: readonly Metafile[], root: string): Map<string, BundledPackage> {
  const hashes = lockedHashes(root);
  const packages = new Map<string, BundledPackage & { readonly imports: Set<string> }>();
  const ids = new Map<string, string>();
  const idOf = (folder: string): string => {
    const known = ids.get(folder);
    if (known !== undefined) return known;
    const { name, version, license } = readPackage(join(root, folder));
    const id = `${name}@${version}`;
    ids.set(folder, id);
    if (!packages.has(id)) packages.set(id, { name, version, license, sha512: hashes.get(id), imports: new Set() });
    return id;
  };
  idOf("");
  for (const { inputs } of metafiles) {
    for (const [path, { imports }] of Object.entries(inputs)) {
      const id = idOf(folderOf(path));
      for (const imported of imports) {
        const target = imported.entryPoint ?? imported.path;
        const targetId = target in inputs ? idOf(folderOf(target)) : id;
        if (targetId !== id) packages.get(id)?.imports.add(targetId);
      }
    }
  }
  return packages;
}

/** The innermost package's folder: `node_modules/a/node_modules/@b/c`; empty for the project's own files. */
function folderOf(path: string): string {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? "";
}

function readPackage(folder: string): { name: string; version: string; license: string } {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (typeof license !== "string") throw new Error(`${name} ${version} names no licence: see ${folder}`);
  return { name, version, license };
}

function lockedHashes(root: string): Map<string, string> {
  const lock = Bun.JSONC.parse(readFileSync(join(root, "bun.lock"), "utf8")) as { packages: Record<string, unknown[]> };
  return new Map(
    Object.values(lock.packages).flatMap((entry) => {
      const hash = entry.findLast((part): part is string => typeof part === "string" && part.startsWith("sha512-"));
      return hash === undefined ? [] : [[String(entry[0]), hash.slice("sha512-".length)]];
    }),
  );
}
