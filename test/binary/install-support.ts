import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { archiveOf } from "../../scripts/build/archive.ts";
import { archiveName, TARGETS } from "../../scripts/build/targets.ts";
import { isCi } from "../support/ci.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";

const INSTALLER = join(import.meta.dir, "../../scripts/install.sh");

export const VERSION = "9.8.7";

/** Whether this machine can download and verify; with CI=true it has to. */
export const canInstall =
  isCi ||
  ["curl sha256sum", "wget sha256sum"].some((tools) => tools.split(" ").every((tool) => Bun.which(tool) !== null));

/** Shells of this machine that know POSIX's language and little else, by name. */
export const SHELLS: readonly string[] = ["dash", "busybox sh", "sh"].filter((shell) => {
  return shell === "sh" ? Bun.which("dash") === null : Bun.which(wordsOf(shell)[0]) !== null;
});

function wordsOf(command: string): [program: string, ...rest: string[]] {
  const [program = "", ...rest] = command.split(" ");
  return [program, ...rest];
}

/** All that the installer may use. */
const TOOLS =
  "cat chmod curl getconf grep gzip ldd mkdir mv openssl rm sha256sum shasum sleep sysctl tail tar uname wget".split(
    " ",
  );

/** Files by name, as a release has them; each `deby` is a script that tells the version and its own platform. */
export type Release = Map<string, Uint8Array<ArrayBuffer> | string>;

export function makeRelease(version = VERSION): Release {
  const release: Release = new Map();
  for (const target of TARGETS.filter(({ format }) => format === "tar.gz")) {
    const script = `#!/bin/sh\necho "deby ${version} for ${target.name}"\n`;
    const entry = { name: "deby", data: new TextEncoder().encode(script), isExecutable: true };
    release.set(archiveName(target, version), archiveOf([entry], { format: target.format, epochSeconds: 0 }));
  }
  const sums = [...release].map(([name, data]) => `${Bun.SHA256.hash(data, "hex")}  ${name}\n`);
  return release.set("SHA256SUMS", sums.join(""));
}

export interface ReleaseServer extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
}

/** Serves a release; `answer` may answer in its own way. */
export function serveRelease(
  release: Release,
  answer: (name: string) => Response | undefined = () => undefined,
): ReleaseServer {
  const asked: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch({ url }) {
      const name = new URL(url).pathname.slice(1);
      asked.push(name);
      const file = release.get(name);
      return answer(name) ?? (file === undefined ? new Response("", { status: 404 }) : new Response(file));
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

export interface MachineOptions {
  /** What `uname -s` and `uname -m` tell. */
  readonly system?: string;
  readonly machine?: string;
  readonly hasAvx2?: boolean;
  readonly isMusl?: boolean;
  /** Commands that it does not have. */
  readonly without?: readonly string[];
  /** Shell scripts by the command that they stand for. */
  readonly commands?: Readonly<Record<string, string>>;
}

/** A machine made of a PATH with nothing but the installer's tools, some of which tell what a test wants. */
export class Machine implements AsyncDisposable {
  readonly home: string;
  readonly bin: string;
  readonly #folder: TempFolder;

  constructor(options: MachineOptions = {}) {
    const { system = "Linux", machine = "x86_64", hasAvx2 = true, isMusl = false, without = [] } = options;
    this.#folder = makeTempFolder("install");
    this.home = join(this.#folder.path, "home");
    this.bin = join(this.#folder.path, "bin");
    for (const folder of [this.home, this.bin]) mkdirSync(folder);
    // Others than root install too.
    chmodSync(this.home, 0o777);
    const commands: Record<string, string> = {
      uname: `case $1 in -s) echo ${system} ;; -m) echo ${machine} ;; esac`,
      grep: `[ "$3" = /proc/cpuinfo ] && [ "$2" = avx2 ] && exit ${hasAvx2 ? 0 : 1}`,
      ldd: isMusl ? "echo 'musl libc (x86_64)' >&2; exit 1" : "echo 'ldd (GNU libc) 2.36'",
      getconf: "echo 64",
      sysctl: "exit 1",
      ...options.commands,
    };
    for (const tool of TOOLS.filter((name) => !without.includes(name))) {
      const path = join(this.bin, tool);
      const script = commands[tool];
      const real = Bun.which(tool);
      if (script !== undefined) writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      else if (real !== null) symlinkSync(real, path);
    }
  }

  /** Where deby goes unless it is told. */
  get folder(): string {
    return join(this.home, ".local/bin");
  }

  /** Everything in the folder, what is hidden too. */
  installed(folder = this.folder): string[] {
    return readdirSync(folder).toSorted();
  }

  spawn(args: readonly string[], options: InstallOptions = {}) {
    const { shell = "sh", script = INSTALLER, env = {}, prefix = [] } = options;
    const [program, ...rest] = wordsOf(shell);
    return Bun.spawn([...prefix, Bun.which(program) ?? program, ...rest, script, ...args], {
      cwd: this.home,
      env: { PATH: this.bin, HOME: this.home, ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      // A process group of its own, as a terminal's Ctrl-C goes to a group.
      detached: true,
    });
  }

  /** Runs the installer to its end. */
  async install(
    args: readonly string[],
    options: InstallOptions = {},
  ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }> {
    const child = this.spawn(args, options);
    const [exitCode, stdout, stderr] = await Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
    return { exitCode, stdout, stderr };
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#folder[Symbol.asyncDispose]();
  }
}

export interface InstallOptions {
  /** One of SHELLS. */
  readonly shell?: string;
  /** Default: scripts/install.sh. */
  readonly script?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words in front of the shell. */
  readonly prefix?: readonly string[];
}
