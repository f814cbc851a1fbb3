import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readAsset } from "../core/read-asset.ts";
import { ASSETS } from "./assets.ts";
import { unpackFolder } from "./folder-archive.ts";
import { makeDataFolder } from "./make-data-folder.ts";

/** Makes the data folder where it is missing; it appears whole or not at all, should we be killed meanwhile. */
export async function ensureDataFolder(
  path: string,
  { wasm, fsBundle }: { readonly wasm: Uint8Array<ArrayBuffer>; readonly fsBundle: Blob },
): Promise<void> {
  if (existsSync(join(path, "PG_VERSION"))) return;
  const part = `${path}.part`;
  rmSync(part, { recursive: true, force: true });
  if (ASSETS.dataFolder !== undefined) unpackFolder(await readAsset(ASSETS.dataFolder), part);
  else {
    const [pgliteWasmModule, initdbWasmModule] = await Promise.all([
      WebAssembly.compile(wasm),
      WebAssembly.compile(await readAsset(ASSETS.initdbWasm ?? "")),
    ]);
    await makeDataFolder(part, { pgliteWasmModule, initdbWasmModule, fsBundle });
  }
  renameSync(part, path);
}
