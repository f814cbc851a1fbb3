// The attribute makes each of these the file's path, which is inside the executable once it is compiled.
// @ts-expect-error
import initdbWasm from "../../node_modules/@electric-sql/pglite/dist/initdb.wasm" with { type: "file" };
// @ts-expect-error
import pgliteData from "../../node_modules/@electric-sql/pglite/dist/pglite.data" with { type: "file" };
// @ts-expect-error
import pgliteWasm from "../../node_modules/@electric-sql/pglite/dist/pglite.wasm" with { type: "file" };

/** The files that PGlite needs beside its code, as paths. */
export interface EmbeddedAssets {
  readonly pgliteWasm: string;
  /** What a Postgres installation has in its share folder. */
  readonly pgliteData: string;
  readonly initdbWasm?: string;
  /** A ready-made data folder, packed; without it initdb makes one at the first start. */
  readonly dataFolder?: string;
}

/** As they lie in node_modules. The build puts compressed ones and a ready-made data folder in this file's place. */
export const ASSETS: EmbeddedAssets = { pgliteWasm, pgliteData, initdbWasm };
