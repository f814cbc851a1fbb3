import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { version } from "../../package.json";
import { archiveOf } from "./archive.ts";
import type { Metafile } from "./bundled-packages.ts";
import { compileExecutable } from "./compile.ts";
import { installerOf } from "./installer.ts";
import { withoutSignature } from "./macho.ts";
import { currentRevision, type Revision, ROOT } from "./project.ts";
import { sbomOf } from "./sbom.ts";
import { archiveName, type Target } from "./targets.ts";

export interface ReleaseOptions {
  /** Where the files come to lie; what an earlier release left there goes. */
  readonly folder: string;
  readonly targets: readonly Target[];
  /** Where the files will be downloaded from, with `{version}` in it; the installers are told. */
  readonly baseUrl: string | undefined;
  readonly onFile: (name: string, bytes: number) => void;
}

const SUMS = "SHA256SUMS";
const SBOM = "sbom.cdx.json";
const DOCUMENTS = ["LICENSE", "README.md"];
const INSTALLERS = ["install.sh", "install.ps1"];

/** Files that a release consists of, by name. */
const IS_RELEASE_FILE = /^(deby-.*\.(tar\.gz|zip)|install\.(sh|ps1)|sbom\.cdx\.json|SHA256SUMS)$/;

/**
 * Builds the files of a release: an archive for each target, the bill of materials, the installers and the checksums
 * of them all. One commit gives the same bytes each time. They appear in `folder` when all are there.
 */
export async function buildRelease({ folder, targets, baseUrl, onFile }: ReleaseOptions): Promise<Revision> {
  const revision = currentRevision();
  const work = join(folder, `build-${process.pid}`);
  try {
    mkdirSync(work, { recursive: true });
    const sums: string[] = [];
    const write = (name: string, data: string | Uint8Array) => {
      writeFileSync(join(work, name), data);
      sums.push(`${createHash("sha256").update(data).digest("hex")}  ${name}\n`);
      onFile(name, data.length);
    };
    const metafiles: Metafile[] = [];
    for (const target of targets) {
      const { metafile, archive } = await buildArchive(target, join(work, target.name), revision);
      metafiles.push(metafile);
      write(archiveName(target, version), archive);
    }
    write(SBOM, sbomOf(metafiles, revision, ROOT));
    for (const name of INSTALLERS)
      write(name, installerOf(readFileSync(join(ROOT, "scripts", name), "utf8"), { version, baseUrl }));
    chmodSync(join(work, "install.sh"), 0o755);
    writeFileSync(join(work, SUMS), sums.join(""));
    publish(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return revision;
}

async function buildArchive(target: Target, folder: string, { commit, epochSeconds }: Revision) {
  const { path, metafile } = await compileExecutable(join(folder, "deby"), { commit, target: target.bunTarget });
  const compiled = readFileSync(path);
  const executable = {
    name: basename(path),
    data: new Uint8Array(target.isSignatureStale ? withoutSignature(compiled) : compiled),
    isExecutable: true,
  };
  rmSync(folder, { recursive: true });
  const documents = DOCUMENTS.map((name) => {
    return { name, data: new Uint8Array(readFileSync(join(ROOT, name))), isExecutable: false };
  });
  return { metafile, archive: archiveOf([executable, ...documents], { format: target.format, epochSeconds }) };
}

/** The checksums go first and come last, so that they never stand beside files of another build. */
function publish(from: string, folder: string): void {
  const isOld = (name: string) => IS_RELEASE_FILE.test(name) && statSync(join(folder, name)).isFile();
  rmSync(join(folder, SUMS), { force: true });
  for (const name of readdirSync(folder).filter(isOld)) rmSync(join(folder, name));
  const names = readdirSync(from).filter((name) => name !== SUMS);
  for (const name of [...names, SUMS]) renameSync(join(from, name), join(folder, name));
}
