import type { ArchiveEntry } from "./archive-entry.ts";
import { tarOf } from "./tar.ts";
import type { Target } from "./targets.ts";
import { zipOf } from "./zip.ts";

/** The archives are close to their limit: this takes half as long again as level 6, for half a percent. */
const COMPRESSION = { level: 9, library: "libdeflate" } as const;

/** The same entries and time give the same bytes, on any machine and whatever the entries' order. */
export function archiveOf(
  entries: readonly ArchiveEntry[],
  { format, epochSeconds }: { readonly format: Target["format"]; readonly epochSeconds: number },
): Uint8Array<ArrayBuffer> {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (format === "zip") return zipOf(sorted, epochSeconds, (data) => Bun.deflateSync(data, COMPRESSION));
  // Neither a time nor a name stands in gzip's own header.
  return Bun.gzipSync(tarOf(sorted, epochSeconds), COMPRESSION);
}
