import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { ROOT } from "../../scripts/build/project.ts";
import { ChildOutput } from "../support/child-output.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { within } from "../support/wait-until.ts";

/** As strict as a consumer can be, the libraries' own declarations included. */
const TSCONFIG = {
  compilerOptions: {
    target: "ESNext",
    module: "Preserve",
    moduleResolution: "bundler",
    lib: ["ESNext"],
    types: ["bun-types"],
    noEmit: true,
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitReturns: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
  },
};

/** Packs the package into a folder and returns the tarball's path. */
export async function packInto(folder: string): Promise<string> {
  const { stdout } = await runBun(["pm", "pack", "--quiet", "--destination", folder], ROOT);
  // What comes before it is the output of `prepack`.
  return stdout.trim().split("\n").at(-1) ?? "";
}

/** The program that README shows under this name. */
export function readmeProgram(name: string): string {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const text = new RegExp(`^\`\`\`ts\\n(// ${name}\\n.*?)^\`\`\`$`, "ms").exec(readme)?.[1];
  if (text === undefined) throw new Error(`README.md shows no program ${name}`);
  return text;
}

/** An empty folder with the package in it, as `bun add` puts it there. */
export class Consumer implements AsyncDisposable {
  readonly path: string;
  readonly #folder: TempFolder;

  private constructor(folder: TempFolder) {
    this.#folder = folder;
    this.path = folder.path;
  }

  /** `packages` beside the tarball: what is in Bun's cache is not fetched. */
  static async with(tarball: string, ...packages: readonly string[]): Promise<Consumer> {
    const consumer = new Consumer(makeTempFolder("consumer"));
    consumer.write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    consumer.write("tsconfig.json", JSON.stringify(TSCONFIG));
    await runBun(["add", "--prefer-offline", "--exact", tarball, ...packages], consumer.path);
    return consumer;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  /** The type checker's complaints, one a line; `flags` are compiler options. */
  async typeErrors(...flags: readonly string[]): Promise<string[]> {
    const { stdout, stderr } = await runBun(["check", "--no-pretty", "--all", ...flags], this.path, { mayFail: true });
    return `${stdout}${stderr}`.split("\n").filter((line) => /\berror TS\d+/.test(line));
  }

  run(program: string, env: Readonly<Record<string, string>>): Program {
    return new Program(program, this.path, env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** A program of a consumer, killed with the test. */
export class Program implements AsyncDisposable {
  readonly output = new ChildOutput();
  readonly #child: Subprocess<"ignore", "pipe", "pipe">;
  readonly #ended: Promise<void>;

  constructor(program: string, folder: string, env: Readonly<Record<string, string>>) {
    const { PATH = "" } = process.env;
    this.#child = Bun.spawn([process.execPath, program], {
      cwd: folder,
      env: { PATH, HOME: folder, NO_COLOR: "1", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const read = [this.output.collect("stdout", this.#child.stdout), this.output.collect("stderr", this.#child.stderr)];
    this.#ended = Promise.all([this.#child.exited, ...read]).then(() => {});
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  waitForLine(pattern: RegExp, from = 0): Promise<RegExpMatchArray> {
    return this.output.waitForLine(pattern, 15_000, from, this.#ended);
  }

  /** Sends SIGTERM and waits for the end: the exit code, or the name of the signal that ended it. */
  async terminate(): Promise<number | string | null> {
    this.#child.kill("SIGTERM");
    await within("the end of the program", 10_000, this.#ended);
    return this.#child.signalCode ?? this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

/** Runs Bun with this environment, which names the registry where one is set. */
async function runBun(
  args: readonly string[],
  cwd: string,
  { mayFail = false }: { readonly mayFail?: boolean } = {},
): Promise<{ stdout: string; stderr: string }> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 120_000,
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0 && !mayFail) throw new Error(`bun ${args.join(" ")} failed: ${exitCode}\n${stdout}${stderr}`);
  return { stdout, stderr };
}
