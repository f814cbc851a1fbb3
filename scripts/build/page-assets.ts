import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { BunPlugin } from "bun";
import { ROOT } from "./project.ts";

/** A higher level takes longer for nothing. */
const COMPRESSION = { level: 19 } as const;

const SCRIPT = join(ROOT, "node_modules", "@scalar", "api-reference", "dist", "browser", "standalone.js");
const CACHE = join(ROOT, "dist", "page");

/**
 * Puts a compressed script of the API page in the place of the one that `src/http/scalar-path.ts` names, and nothing in
 * the place of a theme of @elysiajs/swagger's own page, which is never served and brings a validator with it.
 */
export function pageAssets(): BunPlugin {
  return {
    name: "page-assets",
    setup(build) {
      build.onLoad({ filter: /[\\/]src[\\/]http[\\/]scalar-path\.ts$/ }, async ({ path }) => {
        // Relative, since this text comes into the source map: where it is built must leave no trace.
        const file = relative(dirname(path), await ensureScript()).replaceAll("\\", "/");
        const contents = `import path from ${JSON.stringify(file)} with { type: "file" };\nexport const SCALAR_PATH = path;\n`;
        return { loader: "ts", contents };
      });
      build.onLoad({ filter: /[\\/]@scalar[\\/]themes[\\/]dist[\\/]index\.js$/ }, () => {
        return { loader: "js", contents: 'export const elysiajsTheme = "";\n' };
      });
    },
  };
}

/** The compressed script, made first where it is missing; the same script gives the same bytes. */
async function ensureScript(): Promise<string> {
  const script = readFileSync(SCRIPT);
  const path = join(CACHE, `scalar-${Bun.hash(script).toString(36)}.js.zst`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const part = `${path}.${process.pid}`;
  writeFileSync(part, await Bun.zstdCompress(script, COMPRESSION));
  renameSync(part, path);
  return path;
}
