import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { embeddedAssets } from "./embedded-assets.ts";
import { pageAssets } from "./page-assets.ts";
import { ROOT } from "./project.ts";

export interface CompileOptions {
  /** Put into the executable, for `deby --version`. */
  readonly commit: string;
  /** Without it, the machine that builds; Bun fetches another's runtime from the npm registry and keeps it. */
  readonly target?: Bun.Build.CompileTarget;
}

export interface Compiled {
  /** The executable: `outfile`, with `.exe` for Windows. */
  readonly path: string;
  /** What went in. */
  readonly metafile: Bun.BuildMetafile;
}

/**
 * Compiles the executable: the one place that says how. Other files (source maps) appear beside `outfile`.
 * Where it is built leaves no trace in it, except that source maps tell paths from the working directory on.
 */
export async function compileExecutable(outfile: string, { commit, target }: CompileOptions): Promise<Compiled> {
  mkdirSync(dirname(outfile), { recursive: true });
  const { metafile } = await Bun.build({
    // A thread is started from a file of its own.
    entrypoints: [join(ROOT, "src", "main.ts"), join(ROOT, "src", "embedded", "worker.ts")],
    plugins: [embeddedAssets(), pageAssets()],
    root: ROOT,
    target: "bun",
    format: "esm",
    // Windows' runtime is the largest: without bytecode a start takes some 40 ms longer there, and the archive stays
    // under 60 MB.
    bytecode: !target?.includes("windows"),
    // Chunks of their own for what is imported later: `--version` need not load what serve is made of.
    splitting: true,
    // Elysia reads its handlers' source, and minified source has misled it: elysiajs/elysia#1711, #1945.
    minify: false,
    // Gives stack traces the names and lines of the source.
    sourcemap: "linked",
    metafile: true,
    define: {
      DEBY_BUILD_COMMIT: JSON.stringify(commit),
      // Or Bun would write in what NODE_ENV is now, and the executable could not see its own.
      "process.env.NODE_ENV": "process.env.NODE_ENV",
    },
    compile: {
      outfile,
      ...(target === undefined ? {} : { target }),
      // What lies in a working directory is not for the executable to load behind our back.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  if (metafile === undefined) throw new Error("Bun.build tells nothing about what went into the executable");
  return { path: existsSync(outfile) ? outfile : `${outfile}.exe`, metafile };
}
