import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { BunPlugin } from "bun";
import { packFolder } from "../../src/embedded/folder-archive.ts";
import { ROOT } from "./project.ts";

/** A higher level takes twice the time for a tenth. */
const COMPRESSION = { level: 19 } as const;

const PGLITE = join(ROOT, "node_modules", "@electric-sql", "pglite");
const CACHE = join(ROOT, "dist", "embedded");

/** Everything that shapes the files, besides PGlite itself. */
const SOURCES = [
  import.meta.path,
  join(import.meta.dir, "make-embedded-data.ts"),
  join(ROOT, "src", "embedded", "make-data-folder.ts"),
  join(ROOT, "src", "embedded", "folder-archive.ts"),
];

const PGLITE_FILES = { pgliteWasm: "pglite.wasm.zst", pgliteData: "pglite.data.zst" } as const;
const DATA_FOLDER = "data-folder.zst";

/**
 * Puts compressed files and a ready-made data folder in the place of those that `src/embedded/assets.ts` names. They are
 * made once for each version of PGlite and kept; the same version gives the same bytes.
 */
export function embeddedAssets(): BunPlugin {
  return {
    name: "embedded-assets",
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/]embedded[\\/]assets\.ts$/ }, async ({ path }) => {
        // Relative, since this text comes into the source map: where it is built must leave no trace.
        const folder = relative(dirname(path), await ensureFiles()).replaceAll("\\", "/");
        const files = Object.entries({ ...PGLITE_FILES, dataFolder: DATA_FOLDER });
        const imports = files.map(([name, file]) => {
          return `import ${name} from ${JSON.stringify(`${folder}/${file}`)} with { type: "file" };`;
        });
        const names = files.map(([name]) => name).join(", ");
        return { loader: "ts", contents: `${imports.join("\n")}\nexport const ASSETS = { ${names} };\n` };
      });
    },
  };
}

/** The folder that holds them, made first where it is missing. It appears whole or not at all. */
async function ensureFiles(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(PGLITE, "package.json"), "utf8"));
  const hash = new Bun.CryptoHasher("sha256");
  for (const path of SOURCES) hash.update(readFileSync(path));
  const folder = join(CACHE, `${version}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const part = `${folder}.${process.pid}`;
  try {
    mkdirSync(part, { recursive: true });
    await makeFiles(part);
    if (!existsSync(folder)) renameSync(part, folder);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
  removeOthers(folder);
  return folder;
}

async function makeFiles(folder: string): Promise<void> {
  const data = join(folder, "data");
  const script = join(import.meta.dir, "make-embedded-data.ts");
  const child = Bun.spawn([process.execPath, script, data], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [stderr, exitCode] = await Promise.all([child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`The embedded database's data folder cannot be made:\n${stderr}`);
  const write = async (file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    writeFileSync(join(folder, file), await Bun.zstdCompress(bytes, COMPRESSION));
  };
  await Promise.all([
    ...Object.values(PGLITE_FILES).map(async (file) => {
      await write(file, await Bun.file(join(PGLITE, "dist", file.replace(/\.zst$/, ""))).bytes());
    }),
    write(DATA_FOLDER, packFolder(data)),
  ]);
  rmSync(data, { recursive: true });
}

function removeOthers(folder: string): void {
  for (const name of readdirSync(dirname(folder))) {
    const path = join(dirname(folder), name);
    // One that another build is about to make bears the number of its process.
    if (path !== folder && !/\.\d+$/.test(name)) rmSync(path, { recursive: true, force: true });
  }
}
