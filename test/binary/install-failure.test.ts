import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { archiveOf } from "../../scripts/build/archive.ts";
import { waitUntil } from "../support/wait-until.ts";
import { canInstall, Machine, makeRelease, type Release, SHELLS, serveRelease, VERSION } from "./install-support.ts";

const ARCHIVE = `deby-${VERSION}-linux-x64.tar.gz`;
const OLD = "#!/bin/sh\necho old\n";

/** A machine with an older deby. */
function machineWithOld(options: ConstructorParameters<typeof Machine>[0] = {}): Machine {
  const machine = new Machine(options);
  mkdirSync(machine.folder, { recursive: true });
  writeFileSync(join(machine.folder, "deby"), OLD, { mode: 0o755 });
  return machine;
}

function expectOldOnly(machine: Machine): void {
  expect(machine.installed()).toEqual(["deby"]);
  expect(readFileSync(join(machine.folder, "deby"), "utf8")).toBe(OLD);
}

function withSums(change: (sums: string) => string): Release {
  const release = makeRelease();
  return release.set("SHA256SUMS", change(String(release.get("SHA256SUMS"))));
}

/** A release whose archive for linux-x64 holds this instead of a deby that runs. */
function withContent(name: string, text: string | Uint8Array<ArrayBuffer>): Release {
  const data = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const archive = archiveOf([{ name, data, isExecutable: true }], { format: "tar.gz", epochSeconds: 0 });
  const sum = `${Bun.SHA256.hash(archive, "hex")}  ${ARCHIVE}\n`;
  return new Map<string, string | Uint8Array<ArrayBuffer>>([
    [ARCHIVE, archive],
    ["SHA256SUMS", sum],
  ]);
}

const BROKEN: readonly [what: string, release: () => Release, message: RegExp][] = [
  ["the checksum is another's", () => withSums((sums) => sums.replaceAll(/^[0-9a-f]{8}/gm, "00000000")), /wrong: not/],
  [
    "its checksum is missing",
    () => withSums((sums) => sums.replaceAll(/^.*-linux-x64\.tar\.gz\n/gm, "")),
    /no checksum/,
  ],
  ["its checksum is none", () => withSums((sums) => sums.replaceAll(/^[0-9a-f]+/gm, "abc")), /no valid checksum/],
  ["SHA256SUMS is missing", () => withoutFile("SHA256SUMS"), /there is no http\S+SHA256SUMS/],
  ["the archive is missing", () => withoutFile(ARCHIVE), /there is no http\S+linux-x64\.tar\.gz/],
  [
    "the file on the server is cut short",
    () => makeRelease().set(ARCHIVE, new Uint8Array(100)),
    /wrong: not installed/,
  ],
  ["it holds no deby", () => withContent("readme", "hello"), /cannot unpack/],
  [
    "deby does not run here",
    () => withContent("deby", "#!/bin/sh\necho no such loader; exit 127"),
    /no such loader\n.*does not run here: not installed/,
  ],
];

function withoutFile(name: string): Release {
  const release = makeRelease();
  release.delete(name);
  return release;
}

/** Serves a release whose archives end in the middle of their transfer. */
async function serveCutShort(release: Release): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (request) => {
      const [, name = ""] = /^GET \/(\S+)/.exec(request.toString()) ?? [];
      const file = Buffer.from(release.get(name) ?? "");
      const isCut = name !== "SHA256SUMS";
      socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${file.length}\r\n\r\n`);
      socket.end(isCut ? file.subarray(0, file.length / 2) : file);
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await once(server.close(), "close");
    },
  };
}

(canInstall ? describe : describe.skip).each(SHELLS)("install.sh under %s leaves the old deby alone", (shell) => {
  test.each(BROKEN)("when %s", async (_what, release, message) => {
    await using server = serveRelease(release());
    for (const without of [[], ["curl"]]) {
      await using machine = machineWithOld({ without });
      const { exitCode, stdout, stderr } = await machine.install(["--base-url", server.url], { shell });
      expect(stderr).toMatch(message);
      expect(exitCode).toBe(1);
      expect(stdout).toBe("");
      expectOldOnly(machine);
    }
  });

  test("when the transfer breaks off three times; not when the third succeeds", async () => {
    for (const without of [[], ["curl"]]) {
      await using broken = await serveCutShort(makeRelease());
      await using machine = machineWithOld({ without, commands: { sleep: "exit 0" } });
      const { exitCode, stderr } = await machine.install(["--base-url", broken.url], { shell });
      expect(stderr).toContain("in 3 attempts");
      expect(exitCode).toBe(1);
      expectOldOnly(machine);

      let failures = 2;
      await using mending = serveRelease(makeRelease(), () => {
        return failures-- > 0 ? new Response("busy", { status: 503 }) : undefined;
      });
      expect((await machine.install(["--base-url", mending.url], { shell })).exitCode).toBe(0);
    }
  });

  test("when the disk is full", async () => {
    const noise = crypto.getRandomValues(new Uint8Array(60_000));
    await using server = serveRelease(withContent("deby", noise));
    for (const without of [[], ["curl"]]) {
      await using machine = machineWithOld({ without });
      // No file may grow over 4 kB: the write fails as it does on a full disk.
      const prefix = ["/bin/sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$@"', "sh"];
      const { exitCode, stderr } = await machine.install(["--base-url", server.url], { shell, prefix });
      expect(stderr).toContain(`cannot write to ${machine.folder}`);
      expect(exitCode).toBe(1);
      expectOldOnly(machine);
    }
  });

  test("when its folder cannot be written, or deby is a folder, or the folder cannot be made", async () => {
    await using server = serveRelease(makeRelease());
    await using machine = machineWithOld();
    chmodSync(machine.folder, 0o555);
    const isRoot = process.getuid?.() === 0;
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const prefix = isRoot ? [Bun.which("setpriv") ?? "setpriv", ...nobody] : [];
    const closed = await machine.install(["--base-url", server.url], { shell, prefix });
    expect(closed.stderr).toContain(`cannot write to ${machine.folder}: choose another folder with --dir`);
    expect(closed.exitCode).toBe(1);
    chmodSync(machine.folder, 0o755);
    expectOldOnly(machine);

    const file = join(machine.folder, "deby");
    const notFolder = await machine.install(["--base-url", server.url, "--dir", join(file, "bin")], { shell });
    expect(notFolder.stderr).toContain("cannot make the folder");
    expect(notFolder.exitCode).toBe(1);
    mkdirSync(join(machine.home, "bin/deby"), { recursive: true });
    const folder = await machine.install(["--base-url", server.url, "--dir", join(machine.home, "bin")], { shell });
    expect(folder.stderr).toContain("bin/deby is a folder");
    expect(folder.exitCode).toBe(1);
    expect(server.asked).toEqual([]);
  });

  test.each([
    ["Ctrl-C", "SIGINT", 130],
    ["SIGTERM to the shell alone", "SIGTERM", 143],
  ] as const)("after %s in mid-download, and nothing runs on", async (what, signal, expected) => {
    const stalled = () =>
      new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1000)) }));
    await using server = serveRelease(makeRelease(), (name) => (name === ARCHIVE ? stalled() : undefined));
    for (const without of [[], ["curl"]]) {
      await using machine = machineWithOld({ without });
      server.asked.length = 0;
      const child = machine.spawn(["--base-url", server.url], { shell });
      await waitUntil("the download has begun", () => server.asked.includes(ARCHIVE));
      await Bun.sleep(100);
      process.kill(what === "Ctrl-C" ? -child.pid : child.pid, signal);
      expect(await child.exited).toBe(expected);
      expectOldOnly(machine);
      expect(() => process.kill(-child.pid, 0)).toThrow("ESRCH");
    }
  });

  test("what a killed install left goes with the next one", async () => {
    await using server = serveRelease(makeRelease());
    await using machine = machineWithOld();
    mkdirSync(join(machine.folder, ".deby-install-999999999"));
    const running = join(machine.folder, `.deby-install-${process.pid}`);
    mkdirSync(running);
    expect((await machine.install(["--base-url", server.url], { shell })).exitCode).toBe(0);
    expect(machine.installed()).toEqual([`.deby-install-${process.pid}`, "deby"]);
  });

  test.each([
    [["--base-url"], /--base-url needs a value/],
    [["--dri", "x"], /unknown argument --dri/],
    [[], /where to download from is not known/],
    [["--base-url", "http://127.0.0.1/v{version}"], /version is not known/],
    [["--base-url", "http://127.0.0.1", "--version", "1/../2"], /--version must be/],
  ] as const)("when it is called with %j: exit 2", async (args, message) => {
    await using machine = machineWithOld();
    const { exitCode, stderr } = await machine.install(args, { shell });
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
    expectOldOnly(machine);
  });

  test.each([
    [{ machine: "riscv64" }, /no deby for Linux on riscv64/],
    [{ system: "FreeBSD" }, /no deby for FreeBSD/],
    [{ system: "MINGW64_NT-10.0" }, /install\.ps1/],
    [{ machine: "aarch64", commands: { getconf: "echo 32" } }, /32-bit/],
    [{ without: ["curl", "wget"] }, /neither curl nor wget/],
    [{ without: ["sha256sum", "shasum", "openssl"] }, /sha256sum, shasum and openssl/],
  ])("when the machine is %j", async (options, message) => {
    await using machine = machineWithOld(options);
    const { exitCode, stderr } = await machine.install(["--base-url", "http://127.0.0.1:9"], { shell });
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(1);
    expectOldOnly(machine);
  });
});
