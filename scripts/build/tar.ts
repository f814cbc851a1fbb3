import type { ArchiveEntry } from "./archive-entry.ts";

const BLOCK_BYTES = 512;
const LONGEST_NAME = 100;

/**
 * A POSIX ustar archive whose files belong to root. Our own, since Bun.Archive is told neither mode nor time, and tar
 * programs differ from one system to the next.
 */
export function tarOf(entries: readonly ArchiveEntry[], epochSeconds: number): Uint8Array<ArrayBuffer> {
  const blocks = entries.flatMap((entry) => [
    headerOf(entry, epochSeconds),
    entry.data,
    new Uint8Array(-entry.data.length & (BLOCK_BYTES - 1)),
  ]);
  const end = new Uint8Array(2 * BLOCK_BYTES);
  return new Uint8Array(Buffer.concat([...blocks, end]));
}

function headerOf({ name, data, isExecutable }: ArchiveEntry, epochSeconds: number): Uint8Array {
  if (name.length > LONGEST_NAME) throw new Error(`A tar archive takes names of ${LONGEST_NAME}, received "${name}"`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, at: number, length: number) => {
    header.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at);
  };
  header.write(name, 0);
  octal(isExecutable ? 0o755 : 0o644, 100, 8);
  const [root, wheel] = [0, 0];
  octal(root, 108, 8);
  octal(wheel, 116, 8);
  octal(data.length, 124, 12);
  octal(epochSeconds, 136, 12);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  // The sum counts its own field as spaces.
  header.fill(" ", 148, 156);
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}
