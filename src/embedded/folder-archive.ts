import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";

/** What stands in front of the files' bytes: all folders, empty ones too, and each file's length. */
interface Contents {
  readonly folders: readonly string[];
  readonly files: readonly (readonly [path: string, bytes: number])[];
}

const LENGTH_BYTES = 4;

/**
 * A folder as one piece, without times, owners and modes: equal folders give equal bytes. A tar that Bun writes knows
 * no empty folders, and Postgres does not start without its own.
 */
export function packFolder(folder: string): Uint8Array<ArrayBuffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => ({ isFolder: entry.isDirectory(), path: join(entry.parentPath, entry.name) }))
    .map(({ isFolder, path }) => ({
      isFolder,
      path: path
        .slice(folder.length + 1)
        .split(sep)
        .join("/"),
    }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const folders = entries.filter(({ isFolder }) => isFolder).map(({ path }) => path);
  const files = entries
    .filter(({ isFolder }) => !isFolder)
    .map(({ path }) => ({ path, data: readFileSync(join(folder, path)) }));
  const contents: Contents = { folders, files: files.map(({ path, data }) => [path, data.length]) };
  const head = Buffer.from(JSON.stringify(contents));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(head.length);
  return new Uint8Array(Buffer.concat([length, head, ...files.map(({ data }) => data)]));
}

/** Makes the folder anew from what `packFolder` gave; its parent must be there, the folder itself must not. */
export function unpackFolder(packed: Uint8Array, folder: string): void {
  const bytes = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength);
  const headEnd = LENGTH_BYTES + bytes.readUInt32BE(0);
  const { folders, files } = JSON.parse(bytes.toString("utf8", LENGTH_BYTES, headEnd)) as Contents;
  mkdirSync(folder, { mode: 0o700 });
  for (const path of folders) mkdirSync(join(folder, path), { mode: 0o700 });
  let offset = headEnd;
  for (const [path, length] of files) {
    writeFileSync(join(folder, path), bytes.subarray(offset, offset + length), { mode: 0o600 });
    offset += length;
  }
}
