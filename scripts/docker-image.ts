import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fillRootFolder } from "./docker-image/root-folder.ts";

/** A Postgres image made of this machine's own PostgreSQL, so that tests with Docker need no network. */
const NAME = "deby-postgres";
const MAJOR = 15;
const PARTS = join(import.meta.dir, "docker-image");

/** Whether this machine has what the image is made of. */
export function canBuildImage(): boolean {
  return process.platform === "linux" && existsSync(`/usr/lib/postgresql/${MAJOR}/bin/postgres`);
}

/**
 * Builds the image unless one of the same content is there, and returns its name.
 * @throws Error with the command's output when Docker or the machine lacks something.
 */
export async function buildImage(): Promise<string> {
  if (!canBuildImage()) throw new Error(`Cannot find PostgreSQL ${MAJOR}: apt-get install postgresql-${MAJOR}`);
  const image = `${NAME}:${MAJOR}`;
  const content = contentHash();
  const format = '{{.Id}} {{index .Config.Labels "deby.content"}}';
  const found = await run(["docker", "image", "inspect", "--format", format, image]).catch(() => "");
  const [oldId, oldContent] = found.trim().split(" ");
  if (oldContent === content) return image;

  await build(image, content);
  // The old one has lost its name; where a container still needs it, it stays.
  if (oldId) await run(["docker", "rmi", oldId]).catch(() => {});
  return image;
}

async function build(image: string, content: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "deby-image-"));
  const root = `${NAME}-root:${content}`;
  try {
    fillRootFolder(folder, MAJOR);
    const tar = ["tar", "--owner=0", "--group=0", "--numeric-owner", "-C", folder, "-c", "."];
    await run(["docker", "import", "-", root], Bun.spawn(tar, { stdout: "pipe" }).stdout);
    const values = { ROOT: root, CONTENT: content, MAJOR };
    const args = Object.entries(values).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]);
    await run(["docker", "build", "--quiet", "--tag", image, ...args, "-"], Bun.file(join(PARTS, "Dockerfile")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await run(["docker", "rmi", "--no-prune", root]).catch(() => {});
  }
}

/** Changes with everything that goes into the image. */
function contentHash(): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(PARTS).sort()) hash.update(readFileSync(join(PARTS, name)));
  hash.update(Bun.spawnSync([`/usr/lib/postgresql/${MAJOR}/bin/postgres`, "--version"]).stdout);
  return hash.digest("hex").slice(0, 12);
}

async function run(command: string[], stdin?: ReadableStream | Blob): Promise<string> {
  // Debian's engine has the classic builder only, and newer clients have to be told.
  const env = { ...process.env, DOCKER_BUILDKIT: "0" };
  const child = Bun.spawn(command, { env, stdin: stdin ?? "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")} failed: exit code ${exitCode}\n${stdout}${stderr}`);
  return stdout;
}

if (import.meta.main) console.log(await buildImage());
