import { inflateRawSync } from "node:zlib";

export interface ReadEntry {
  readonly name: string;
  readonly mode: number;
  readonly data: Buffer;
  /** Seconds since 1970 in a tar archive, DOS date and time in a zip file. */
  readonly time: number;
}

/** The files of a .tar.gz, as its own headers tell them. */
export function readTarGz(archive: Uint8Array<ArrayBuffer>): ReadEntry[] {
  const tar = Buffer.from(Bun.gunzipSync(archive));
  const entries: ReadEntry[] = [];
  for (let at = 0; tar[at] !== 0; ) {
    const octal = (offset: number, length: number) => {
      return Number.parseInt(tar.toString("latin1", at + offset, at + offset + length), 8);
    };
    const bytes = octal(124, 12);
    const name = tar.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    const data = tar.subarray(at + 512, at + 512 + bytes);
    entries.push({ name, mode: octal(100, 8), data, time: octal(136, 12) });
    at += 512 + Math.ceil(bytes / 512) * 512;
  }
  return entries;
}

/** The files of a .zip, as its directory at the end tells them; a wrong checksum is an error. */
export function readZip(archive: Uint8Array<ArrayBuffer>): ReadEntry[] {
  const zip = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = zip.lastIndexOf("PK\x05\x06", undefined, "latin1");
  let at = zip.readUInt32LE(end + 16);
  return Array.from({ length: zip.readUInt16LE(end + 10) }, () => {
    if (zip.toString("latin1", at, at + 4) !== "PK\x01\x02") throw new Error(`No directory entry at ${at}`);
    const nameBytes = zip.readUInt16LE(at + 28);
    const name = zip.toString("utf8", at + 46, at + 46 + nameBytes);
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const data = inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(at + 20)));
    if (Bun.hash.crc32(data) !== zip.readUInt32LE(at + 16)) throw new Error(`The checksum of ${name} is wrong`);
    const entry = { name, mode: (zip.readUInt32LE(at + 38) >>> 16) & 0o777, data, time: zip.readUInt32LE(at + 12) };
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
    return entry;
  });
}
