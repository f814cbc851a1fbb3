/** The content of a file that lies beside the code or inside the executable; one named `.zst` is decompressed. */
export async function readAsset(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await Bun.file(path).bytes();
  return path.endsWith(".zst") ? new Uint8Array(await Bun.zstdDecompress(bytes)) : bytes;
}
