import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** The programs of the image besides the server's own: what the entry point and a curious `docker exec` need. */
const TOOLS =
  "sh cat chmod chown cp date env grep head id locale ls mkdir mktemp mv ps rm setpriv sleep stat tail touch";
const SERVER_TOOLS = "postgres initdb pg_ctl psql pg_isready pg_controldata createdb dropdb";

/** Debian's merged layout. */
const TOP_LINKS = { bin: "usr/bin", sbin: "usr/bin", lib: "usr/lib", lib64: "usr/lib64" };

/** For developing against a server, and too large or of no use to run one. */
const LEFT_OUT = new Set(["bitcode", "pgxs", "llvmjit.so", "man"]);

/** Fills `root` with a file system in which a Debian machine's PostgreSQL of this major version runs. */
export function fillRootFolder(root: string, major: number): void {
  const server = `/usr/lib/postgresql/${major}`;
  makeLayout(root);
  const serverTools = SERVER_TOOLS.split(" ").map((name) => join(server, "bin", name));
  copyPrograms(root, TOOLS.split(" ").map(findTool));
  for (const path of serverTools) copy(root, path, path);
  for (const folder of [join(server, "lib"), `/usr/share/postgresql/${major}`]) copy(root, folder, folder);
  for (const path of ["/usr/share/zoneinfo", "/usr/lib/locale/C.utf8"]) copy(root, path, path);
  const modules = readdirSync(join(root, server, "lib"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".so"))
    .map((name) => join(server, "lib", name));
  copyLibraries(root, [...serverTools, ...modules]);
  // Else the server would listen inside the container only.
  appendFileSync(join(root, `/usr/share/postgresql/${major}/postgresql.conf.sample`), "listen_addresses = '*'\n");
  copy(root, join(import.meta.dir, "entrypoint.sh"), "/usr/bin/docker-entrypoint.sh");
}

/** The top folders of Debian's merged layout, and the users. */
export function makeLayout(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const [link, target] of Object.entries(TOP_LINKS)) {
    mkdirSync(join(root, target), { recursive: true });
    symlinkSync(target, join(root, link));
  }
  writeUsers(root);
}

/** Puts programs of this machine into the root's /usr/bin, with the libraries that they need. */
export function copyPrograms(root: string, programs: readonly string[]): void {
  for (const path of programs) copy(root, realpathSync(path), join("/usr/bin", basename(path)));
  copyLibraries(root, programs);
}

function copyLibraries(root: string, files: readonly string[]): void {
  for (const library of librariesOf(files)) copy(root, library, settled(library));
}

export function findTool(name: string): string {
  const path = Bun.which(name, { PATH: "/usr/bin:/bin" });
  if (path === null)
    throw new Error(`Cannot find ${name}: apt-get install coreutils dash grep libc-bin procps util-linux`);
  return path;
}

/** Copies a file or a folder of this machine, links followed. */
export function copy(root: string, from: string, to: string): void {
  mkdirSync(join(root, dirname(to)), { recursive: true });
  cpSync(from, join(root, to), {
    recursive: true,
    dereference: true,
    filter: (path) => !LEFT_OUT.has(basename(path)),
  });
}

/** All shared libraries, the loader included, that the programs and modules are linked with. */
function librariesOf(files: readonly string[]): Set<string> {
  const listed = Bun.spawnSync(["ldd", ...files], { stderr: "ignore" }).stdout.toString();
  return new Set([...listed.matchAll(/(?:=> |^\t)(\/\S+) \(0x/gm)].map(([, path = ""]) => path));
}

/** The library's place once the links of its folder are followed, as /lib leads to /usr/lib. */
function settled(library: string): string {
  return join(realpathSync(dirname(library)), basename(library));
}

function writeUsers(root: string): void {
  const etc = join(root, "etc");
  if (!existsSync(etc)) mkdirSync(etc);
  writeFileSync(
    join(etc, "passwd"),
    "root:x:0:0:root:/root:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
  );
  writeFileSync(join(etc, "group"), "root:x:0:\npostgres:x:999:\nnogroup:x:65534:\n");
  writeFileSync(join(etc, "nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
}
