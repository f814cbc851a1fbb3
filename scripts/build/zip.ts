import type { ArchiveEntry } from "./archive-entry.ts";

type Compress = (data: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

const LOCAL_HEADER = 0x04034b50;
const DIRECTORY_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const DEFLATE = 8;
const UTF8_NAMES = 0x0800;
const VERSION_NEEDED = 20;
const MADE_ON_UNIX = 3 << 8;
const REGULAR_FILE = 0o100000;

/** A zip archive of deflated files (PKWARE's APPNOTE.TXT 6.3.10, 4.3). */
export function zipOf(
  entries: readonly ArchiveEntry[],
  epochSeconds: number,
  compress: Compress,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const data = compress(entry.data);
    const shared = sharedFields(entry, { compressedBytes: data.length, nameBytes: name.length, epochSeconds });
    const local = Buffer.concat([numbers([LOCAL_HEADER, 4], [VERSION_NEEDED, 2]), shared, name]);
    parts.push(local, data);
    const mode = REGULAR_FILE | (entry.isExecutable ? 0o755 : 0o644);
    directory.push(
      numbers([DIRECTORY_HEADER, 4], [VERSION_NEEDED | MADE_ON_UNIX, 2], [VERSION_NEEDED, 2]),
      shared,
      // No comment, on disk 0, no internal attributes; the mode, where it begins.
      numbers([0, 2], [0, 2], [0, 2], [mode * 2 ** 16, 4], [offset, 4]),
      name,
    );
    offset += local.length + data.length;
  }
  const directoryBytes = directory.reduce((sum, { length }) => sum + length, 0);
  const count = entries.length;
  const end = numbers(
    [END_OF_DIRECTORY, 4],
    [0, 2],
    [0, 2],
    [count, 2],
    [count, 2],
    [directoryBytes, 4],
    [offset, 4],
    [0, 2],
  );
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}

/** What stands both before a file's data and in the directory at the end. */
function sharedFields(
  { data }: ArchiveEntry,
  sizes: { readonly compressedBytes: number; readonly nameBytes: number; readonly epochSeconds: number },
): Uint8Array {
  const { date, time } = dosTime(sizes.epochSeconds);
  return numbers(
    [UTF8_NAMES, 2],
    [DEFLATE, 2],
    [time, 2],
    [date, 2],
    [Bun.hash.crc32(data), 4],
    [sizes.compressedBytes, 4],
    [data.length, 4],
    [sizes.nameBytes, 2],
    [0, 2],
  );
}

/** A zip file tells a local time of no named zone, in steps of 2 s; ours is UTC. */
function dosTime(epochSeconds: number): { date: number; time: number } {
  const at = new Date(epochSeconds * 1000);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  return { date, time };
}

/** Numbers of so many bytes each, the lowest byte first. */
function numbers(...fields: readonly (readonly [value: number, length: number])[]): Uint8Array {
  const buffer = Buffer.alloc(fields.reduce((sum, [, length]) => sum + length, 0));
  let at = 0;
  for (const [value, length] of fields) at = buffer.writeUIntLE(value, at, length);
  return buffer;
}
