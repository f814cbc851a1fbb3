import { createHash } from "node:crypto";
import { signatureOf } from "../../scripts/build/macho.ts";

const EMBEDDED_SIGNATURE = 0xfade0cc0;
const CODE_DIRECTORY = 0xfade0c02;
const SHA256 = 2;

/**
 * Numbers of the pages whose hash in the executable's code signature is not theirs, as a kernel looks at them: macOS on
 * Apple silicon ends a program on the first. (xnu, osfmk/kern/cs_blobs.h)
 * @throws Error when there is no signature over the whole file.
 */
export function invalidPages(executable: Buffer): number[] {
  const place = signatureOf(executable);
  if (place === undefined || place.at + place.bytes !== executable.length) throw new Error("No signature at the end");
  const blob = executable.subarray(place.at);
  if (blob.readUInt32BE(0) !== EMBEDDED_SIGNATURE) throw new Error("No embedded signature");
  const directory = blob.subarray(blob.readUInt32BE(16));
  if (directory.readUInt32BE(0) !== CODE_DIRECTORY || directory[37] !== SHA256) throw new Error("No code directory");
  const [hashesAt, pages, limit] = [16, 28, 32].map((at) => directory.readUInt32BE(at));
  if (hashesAt === undefined || pages === undefined || limit !== place.at) throw new Error("It covers another length");
  const pageBytes = 2 ** (directory[39] ?? 0);
  if (pages !== Math.ceil(limit / pageBytes)) throw new Error("It covers another number of pages");
  return Array.from({ length: pages }, (_, page) => page).filter((page) => {
    const content = executable.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit));
    const wanted = directory.subarray(hashesAt + page * 32, hashesAt + (page + 1) * 32);
    return !createHash("sha256").update(content).digest().equals(wanted);
  });
}
