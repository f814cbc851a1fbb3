import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { installerOf } from "../../scripts/build/installer.ts";
import {
  canInstall,
  Machine,
  type MachineOptions,
  makeRelease,
  SHELLS,
  serveRelease,
  VERSION,
} from "./install-support.ts";

const PLATFORMS: readonly [string, MachineOptions][] = [
  ["linux-x64", {}],
  ["linux-x64-baseline", { hasAvx2: false }],
  ["linux-arm64", { machine: "aarch64", hasAvx2: false }],
  ["linux-x64-musl", { isMusl: true }],
  ["linux-x64-musl", { isMusl: true, hasAvx2: false }],
  ["linux-arm64-musl", { machine: "arm64", isMusl: true }],
  ["macos-x64", { system: "Darwin" }],
  ["macos-arm64", { system: "Darwin", machine: "arm64" }],
  // A translated shell on Apple silicon.
  ["macos-arm64", { system: "Darwin", commands: { sysctl: '[ "$2" = sysctl.proc_translated ] && echo 1' } }],
];

(canInstall ? describe : describe.skip).each(SHELLS)("install.sh under %s", (shell) => {
  test.each(PLATFORMS)("takes %s where the machine is %j", async (platform, options) => {
    await using server = serveRelease(makeRelease());
    await using machine = new Machine(options);
    const { exitCode, stdout, stderr } = await machine.install(["--base-url", server.url], { shell });
    expect(stderr).toContain(`Installed ${machine.folder}/deby`);
    expect(stdout).toBe(`deby ${VERSION} for ${platform}\n`);
    expect(exitCode).toBe(0);
    expect(server.asked).toEqual(["SHA256SUMS", `deby-${VERSION}-${platform}.tar.gz`]);
    expect(machine.installed()).toEqual(["deby"]);
  });

  test("installs without curl by wget, and without sha256sum by shasum or openssl", async () => {
    await using server = serveRelease(makeRelease());
    for (const without of [["curl"], ["sha256sum"], ["sha256sum", "shasum"]]) {
      await using machine = new Machine({ without });
      const { exitCode, stderr } = await machine.install(["--base-url", server.url], { shell });
      expect(stderr).toContain("Installed");
      expect(exitCode).toBe(0);
    }
  });

  test("replaces an older deby, and says what is on PATH", async () => {
    await using server = serveRelease(makeRelease());
    await using machine = new Machine();
    mkdirSync(machine.folder, { recursive: true });
    writeFileSync(join(machine.folder, "deby"), "#!/bin/sh\necho old\n", { mode: 0o755 });
    const env = { DEBY_BASE_URL: server.url, PATH: `${machine.bin}:${machine.folder}` };
    const onPath = await machine.install([], { shell, env });
    expect(onPath).toEqual({
      exitCode: 0,
      stdout: `deby ${VERSION} for linux-x64\n`,
      stderr: `Downloading deby-${VERSION}-linux-x64.tar.gz\nInstalled ${machine.folder}/deby\n`,
    });
    expect(machine.installed()).toEqual(["deby"]);
    expect(readFileSync(join(machine.folder, "deby"), "utf8")).toContain(VERSION);

    const elsewhere = join(machine.home, "tools");
    const hidden = await machine.install(["--dir", elsewhere], {
      shell,
      env: { ...env, PATH: `${env.PATH}:${elsewhere}` },
    });
    expect(hidden.stderr).toContain(`${machine.folder}/deby comes before it on PATH`);
    expect(machine.installed(elsewhere)).toEqual(["deby"]);

    const offPath = await machine.install(["--dir", "other tools"], { shell, env });
    expect(offPath.stderr).toContain(`export PATH="${machine.home}/other tools:$PATH"`);
    expect(offPath.exitCode).toBe(0);
  });

  test("takes the version that is asked for, from the folder of that version", async () => {
    const releases = [makeRelease("1.0.0"), makeRelease("1.1.0-rc.1")];
    const files = ["1.0.0", "1.1.0-rc.1"].flatMap((version, index) =>
      [...(releases[index] ?? [])].map(([name, data]) => [`v${version}/${name}`, data] as const),
    );
    await using server = serveRelease(new Map(files));
    await using machine = new Machine();
    const script = join(machine.home, "install.sh");
    const source = readFileSync(join(import.meta.dir, "../../scripts/install.sh"), "utf8");
    writeFileSync(script, installerOf(source, { version: "1.0.0", baseUrl: `${server.url}/v{version}` }));
    expect((await machine.install([], { shell, script })).stdout).toBe("deby 1.0.0 for linux-x64\n");
    const env = { DEBY_VERSION: "1.1.0-rc.1" };
    expect((await machine.install([], { shell, script, env })).stdout).toBe("deby 1.1.0-rc.1 for linux-x64\n");
    expect((await machine.install(["--version", "v1.0.0"], { shell, script, env })).stdout).toContain("deby 1.0.0");
  });
});

test.skipIf(Bun.which("busybox") === null)("install.sh needs no more than busybox has", async () => {
  await using server = serveRelease(makeRelease());
  const applets = "cat chmod grep gzip mkdir mv rm sha256sum sleep tail tar wget".split(" ");
  const busybox = Bun.which("busybox");
  const commands = Object.fromEntries(applets.map((name) => [name, `exec ${busybox} ${name} "$@"`]));
  await using machine = new Machine({ isMusl: true, without: ["curl", "getconf", "sysctl", "shasum"], commands });
  const { exitCode, stdout, stderr } = await machine.install(["--base-url", server.url], { shell: "busybox sh" });
  expect(stderr).toContain("Installed");
  expect(stdout).toBe(`deby ${VERSION} for linux-x64-musl\n`);
  expect(exitCode).toBe(0);
});
