import { rmSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { EMBEDDED_DATABASE } from "./child-protocol.ts";

export interface PGliteParts {
  readonly pgliteWasmModule: WebAssembly.Module;
  readonly fsBundle: Blob;
}

/**
 * Makes a new data folder with our one database in it. The segments of its write-ahead log are small, since every new
 * one is written in full, and few, since this folder is to be small itself.
 */
export async function makeDataFolder(
  path: string,
  parts: PGliteParts & { readonly initdbWasmModule: WebAssembly.Module },
): Promise<void> {
  rmSync(path, { recursive: true, force: true });
  const db = await PGlite.create({
    ...parts,
    dataDir: path,
    // A database cannot be renamed from within itself.
    database: "template1",
    initDbStartParams: ["--wal-segsize=1", "--set", "min_wal_size=2MB"],
  });
  await db.exec(`ALTER DATABASE postgres RENAME TO ${EMBEDDED_DATABASE}`);
  await db.close();
}
