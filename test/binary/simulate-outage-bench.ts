import { expect } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { docker, requireDocker } from "../support/docker.ts";
import { type DebyProcess, type DebyResult, spawnDeby } from "../support/executable.ts";
import { isAlive } from "../support/serve-embedded.ts";
import { makeTempFolder, type TempFolder } from "../support/temp-folder.ts";
import { waitUntil } from "../support/wait-until.ts";

/** A docker command that ran, and when, on the calendar's clock in milliseconds. */
export interface DockerCall {
  readonly at: number;
  readonly args: readonly string[];
}

/**
 * A place for one run: folders of its own, a docker on the PATH that notes each call (and can be made to misbehave),
 * and the means to find out whether anything was left behind.
 */
export class OutageBench implements AsyncDisposable {
  readonly image: string;
  readonly #folder: TempFolder;
  #deby: DebyProcess | undefined;

  constructor(folder: TempFolder, image: string) {
    this.#folder = folder;
    this.image = image;
  }

  /** @param misbehaviour shell lines that see the docker command as `$1` and the rest, and may exit or exec */
  static async make(misbehaviour = ""): Promise<OutageBench> {
    const image = await requireDocker();
    const real = Bun.which("docker");
    if (real === null) throw new Error("There is no docker command");
    const folder = makeTempFolder("outage");
    const script = `#!/bin/sh\necho "$(date +%s%3N) $*" >> "${folder.path}/calls"\n${misbehaviour}\nexec "${real}" "$@"\n`;
    writeFileSync(join(folder.path, "docker"), script);
    chmodSync(join(folder.path, "docker"), 0o755);
    return new OutageBench(folder, image);
  }

  get path(): string {
    return this.#folder.path;
  }

  /** Starts `deby simulate-outage`; with short phases unless the arguments say otherwise. */
  async start(args: readonly string[] = QUICK, env: Readonly<Record<string, string>> = {}): Promise<DebyProcess> {
    this.#deby = await this.#spawn(args, env);
    return this.#deby;
  }

  /** Runs it once more while the one that was started goes on. */
  async alongside(args: readonly string[]): Promise<DebyResult> {
    await using other = await this.#spawn(args, {});
    return await other.waitForExit(30_000);
  }

  async #spawn(args: readonly string[], env: Readonly<Record<string, string>>): Promise<DebyProcess> {
    const temp = join(this.path, "tmp");
    await Bun.write(join(temp, ".keep"), "");
    const { PATH = "" } = process.env;
    const own = {
      PATH: this.path + delimiter + PATH,
      TMPDIR: temp,
      XDG_STATE_HOME: temp,
      DEBY_IMAGE: this.image,
      CI: "",
    };
    return await spawnDeby(["simulate-outage", ...args], { env: { ...own, ...env }, cwd: this.path });
  }

  async run(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<DebyResult> {
    const deby = await this.start(args, env);
    return await deby.waitForExit(90_000);
  }

  /** Every docker command so far, in order. */
  calls(): DockerCall[] {
    const path = join(this.path, "calls");
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").trim().split("\n");
    return lines.map((line) => {
      const [at = "", ...args] = line.split(" ");
      return { at: Number(at), args };
    });
  }

  /** What deby noted about the run before it did any harm. */
  journal(): unknown {
    const temp = join(this.path, "tmp");
    const [file] = new Bun.Glob("deby-outage/*.json").scanSync(temp);
    return file === undefined ? undefined : JSON.parse(readFileSync(join(temp, file), "utf8"));
  }

  /** The watchdog has repaired what it had to, and has gone. */
  async waitForWatchdog(deadlineMs: number): Promise<void> {
    const isDone = () => this.journal() === undefined && this.processes("outage-watchdog").length === 0;
    await waitUntil("the watchdog has done its work", isDone, { deadlineMs });
  }

  /** No container, volume, process or file of the run is there any more. */
  async expectNothingLeft(): Promise<void> {
    const output = this.#deby?.lines.join("\n") ?? "";
    const [, container] = /creating (deby-outage-\w+)/.exec(output) ?? [];
    if (container !== undefined) {
      expect(await docker("ps", "--all", "--quiet", "--filter", `name=${container}`)).toBe("");
      expect(await docker("volume", "ls", "--quiet", "--filter", "dangling=true")).not.toContain(this.#volume);
    }
    const [, pid] = /\(pid (\d+)\)/.exec(output) ?? [];
    if (pid !== undefined) expect(isAlive(Number(pid))).toBe(false);
    expect(readdirSync(join(this.path, "tmp"))).toEqual([".keep"]);
    await waitUntil("no process of the run is left", () => this.processes().length === 0, { deadlineMs: 3_000 });
  }

  #volume = "unknown";

  /** Notes the container's anonymous volume, while the container is there, so that its removal can be seen. */
  async noteVolume(container: string): Promise<void> {
    const format = "{{range .Mounts}}{{.Name}}{{end}}";
    this.#volume = await docker("inspect", "--format", format, container);
    expect(this.#volume).not.toBe("");
  }

  /**
   * Processes whose environment has this bench's folder in it: the server and whatever else the run started.
   * @param words part of their command lines; default any
   */
  processes(words = ""): number[] {
    if (process.platform !== "linux") return [];
    const read = (pid: string, file: string) => readFileSync(`/proc/${pid}/${file}`, "utf8");
    const found = readdirSync("/proc").filter((name) => {
      try {
        return /^\d+$/.test(name) && read(name, "environ").includes(this.path) && read(name, "cmdline").includes(words);
      } catch {
        return false;
      }
    });
    return found.map(Number);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deby?.[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Any moment of a run with short phases, on a machine that prepares other containers at the same time. */
export const REACHED_WITHIN_MS = 120_000;

/** From a signal to the end of all repairs there: a container started, looked at for seconds, and removed. */
export const ENDED_WITHIN_MS = 60_000;

/** The shortest phases there are. */
export const QUICK = ["--warmup", "1s", "--outage", "1s", "--settle", "10s"] as const;
