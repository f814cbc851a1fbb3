import crypto from "node:crypto";
import { join } from "node:path";
import { ROOT } from "./project.ts";

// Makes the data folder that the executable brings along: `bun make-embedded-data.ts FOLDER`. The same PGlite has to
// give the same bytes, so time and chance stand still before it is loaded. None of what is made of them is a secret:
// the embedded server lets nobody in by what stands in its own catalogue.

const MOMENT = Date.UTC(2026, 0, 1);

Date.now = () => MOMENT;
performance.now = () => 0;
crypto.randomFillSync = ((buffer: NodeJS.ArrayBufferView) => {
  new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength).fill(1);
  return buffer;
}) as typeof crypto.randomFillSync;

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("usage: make-embedded-data.ts FOLDER");
const { makeDataFolder } = await import("../../src/embedded/make-data-folder.ts");
const bytesOf = (name: string) => Bun.file(join(ROOT, "node_modules/@electric-sql/pglite/dist", name)).bytes();
const [pglite, initdb] = await Promise.all(
  ["pglite.wasm", "initdb.wasm"].map(async (name) => {
    return await WebAssembly.compile(await bytesOf(name));
  }),
);
if (pglite === undefined || initdb === undefined) throw new Error("PGlite's modules are not there");
const fsBundle = new Blob([await bytesOf("pglite.data")]);
await makeDataFolder(folder, { pgliteWasmModule: pglite, initdbWasmModule: initdb, fsBundle });
process.exit(0);
