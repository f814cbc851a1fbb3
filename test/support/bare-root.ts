import { appendFileSync, chmodSync, mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join, parse } from "node:path";
import { copy, copyPrograms, findTool, makeLayout } from "../../scripts/docker-image/root-folder.ts";
import { makeTempFolder, type TempFolder } from "./temp-folder.ts";

/** What every Unix brings. */
const SHELL_TOOLS =
  "sh cat chmod cp cut dirname basename date env false grep head id ls mkdir mktemp mv pwd readlink rm rmdir sed sleep sort stat tail tar gzip tee test touch tr true uname wc";

/** How this machine reaches the package registry, should that need more than a name. */
const NETWORK_SETTINGS = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"];

const C_LIBRARY =
  "libm.so.6 librt.so.1 libdl.so.2 libpthread.so.0 libresolv.so.2 libnss_files.so.2 libnss_dns.so.2".split(" ");

const NEWCOMER = { uid: 1234, gid: 1234, home: "/home/newcomer" } as const;

/** What is needed to make such a root and to live in it; empty when it can be made. */
export function missingForBareRoot(): string[] {
  const tools = ["unshare", "chroot", "setpriv", "git", "node", "npm"].filter((name) => Bun.which(name) === null);
  const isRoot = process.getuid?.() === 0;
  return [...tools, ...(isRoot ? [] : ["root"]), ...(process.platform === "linux" ? [] : ["Linux"])];
}

/** A root file system with git, Node, npm and a shell, and nothing else; an empty home for root and for a newcomer. */
export function makeBareRoot(): TempFolder {
  const folder = makeTempFolder("bare-root");
  const root = folder.path;
  chmodSync(root, 0o755);
  makeLayout(root);
  copyPrograms(root, [...SHELL_TOOLS.split(" ").map(findTool), findTool("git"), "/usr/bin/node"]);
  // The whole C library, which every Linux has, whether this machine's programs use all of it or not.
  const { dir } = parse(libraryPath("libc.so.6"));
  for (const name of C_LIBRARY) copy(root, join(dir, name), join(dir, name));
  mkdirSync(join(root, "usr/share/git-core"), { recursive: true });
  mkdirSync(join(root, "usr/lib/node_modules"), { recursive: true });
  // Links as they are: git's commands are one program under a hundred names.
  for (const path of ["/usr/lib/git-core", "/usr/share/git-core/templates", "/usr/lib/node_modules/npm"]) {
    run("cp", "-a", path, join(root, path));
  }
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(root, "usr/bin/npm"));
  for (const path of ["/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"]) copy(root, path, path);
  for (const path of ["proc", "dev", "root", "tmp", NEWCOMER.home.slice(1)])
    mkdirSync(join(root, path), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  // What a newcomer would clone from elsewhere; git wants it to be the cloner's own.
  for (const user of ["root", "newcomer"])
    run("git", "clone", "--quiet", "--bare", process.cwd(), join(root, `source-${user}`));
  appendFileSync(join(root, "etc/passwd"), `newcomer:x:${NEWCOMER.uid}:${NEWCOMER.gid}::${NEWCOMER.home}:/bin/sh\n`);
  appendFileSync(join(root, "etc/group"), `newcomer:x:${NEWCOMER.gid}:\n`);
  run("chown", "-R", `${NEWCOMER.uid}:${NEWCOMER.gid}`, join(root, "source-newcomer"), join(root, NEWCOMER.home));
  return folder;
}

/** Where the dynamic linker of this machine finds a library, links of its folder followed. */
function libraryPath(name: string): string {
  const listed = Bun.spawnSync(["ldd", "/bin/sh"]).stdout.toString();
  const path = listed
    .split("\n")
    .find((line) => line.includes(name))
    ?.match(/=> (\S+)/)?.[1];
  if (path === undefined) throw new Error(`Cannot find ${name}`);
  return join(realpathSync(parse(path).dir), name);
}

function run(...command: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(command);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

/** The command that runs a shell script inside the root, as root or as the newcomer; its processes end with it. */
export function inBareRoot(root: string, user: "root" | "newcomer", script: string): string[] {
  const home = user === "root" ? "/root" : NEWCOMER.home;
  const as = user === "root" ? "" : `--userspec=${NEWCOMER.uid}:${NEWCOMER.gid}`;
  const network = NETWORK_SETTINGS.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`${name}='${value}'`];
  });
  const environment = [`HOME=${home}`, "PATH=/usr/bin", "TERM=dumb", ...network].join(" ");
  const enter = [
    `mount -t proc proc '${root}/proc'`,
    `mount --rbind /dev '${root}/dev'`,
    `exec chroot ${as} '${root}' /usr/bin/env -i ${environment} sh -c "$1"`,
  ].join(" && ");
  return [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--propagation",
    "private",
    "sh",
    "-c",
    enter,
    "sh",
    script,
  ];
}
