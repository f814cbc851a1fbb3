import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { currentRevision, ROOT } from "./build/project.ts";

const OUT = join(ROOT, "dist", "lib");
const SOURCE = join(ROOT, "src");

/** The package's doors: `deby` and `deby/elysia`. */
const ENTRIES = ["index", "elysia"];

const DECLARATIONS = join(ROOT, "scripts", "package.tsconfig.json");

/** `from "./a/b.ts"` and `import("./a/b.ts")`. */
const RELATIVE_IMPORT = /((?:from |import\()")(\.[^"]*)\.ts"/g;

/** Builds what the package ships, for `bun pm pack`: the modules, and the declarations that their types need. */
async function main(): Promise<void> {
  const work = `${OUT}-${process.pid}`;
  try {
    await buildModules(work);
    await buildDeclarations(join(work, "types"));
    rmSync(OUT, { recursive: true, force: true });
    renameSync(work, OUT);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function buildModules(folder: string): Promise<void> {
  await Bun.build({
    entrypoints: ENTRIES.map((name) => join(SOURCE, `${name}.ts`)),
    root: SOURCE,
    outdir: folder,
    target: "bun",
    format: "esm",
    // What both doors share is there once: two classes of errors would not know each other.
    splitting: true,
    naming: { chunk: "shared-[hash].[ext]" },
    // Whoever installs the package has its dependencies, and their own Elysia.
    packages: "external",
    define: {
      DEBY_BUILD_COMMIT: JSON.stringify(currentRevision().commit),
      "process.env.NODE_ENV": "process.env.NODE_ENV",
    },
  });
}

/** Emits all declarations and keeps those that can be reached from the doors. */
async function buildDeclarations(folder: string): Promise<void> {
  const all = `${folder}-all`;
  await emitDeclarations(all);
  const emitted = join(all, "src");
  const wanted = new Set(ENTRIES.map((name) => join(emitted, `${name}.d.ts`)));
  // The set grows while it is walked.
  for (const path of wanted) {
    // Declarations name the sources, which are not shipped; the modules' names mean the declarations beside them, too.
    const text = readFileSync(path, "utf8").replace(RELATIVE_IMPORT, (_, before: string, module: string) => {
      wanted.add(join(dirname(path), `${module}.d.ts`));
      return `${before}${module}.js"`;
    });
    const target = join(folder, relative(emitted, path));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  rmSync(all, { recursive: true });
}

async function emitDeclarations(folder: string): Promise<void> {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const child = Bun.spawn([process.execPath, compiler, "--project", DECLARATIONS, "--outDir", folder], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "inherit",
  });
  const [problems, exitCode] = await Promise.all([child.stdout.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`The declarations cannot be made\n${problems}`);
}

await main();
