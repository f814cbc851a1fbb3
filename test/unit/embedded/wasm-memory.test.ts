import { expect, test } from "bun:test";
import { join } from "node:path";
import { withSharedMemory } from "../../../src/embedded/wasm-memory.ts";

const folder = join(import.meta.dir, "../../../node_modules/@electric-sql/pglite/dist");
const magic = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A module that does nothing but import things. */
const importing = (...imports: number[][]) => {
  const content = [imports.length, ...imports.flatMap((one) => [1, 0x65, 1, 0x6d, ...one])];
  return Uint8Array.from([...magic, 2, content.length, ...content]);
};

test("withSharedMemory() makes PGlite's module take a shared memory", async () => {
  const wasm = await Bun.file(join(folder, "pglite.wasm")).bytes();
  const before = wasm.slice();
  const adapted = withSharedMemory(wasm);
  expect(wasm).toEqual(before);
  expect(adapted?.length).toBe(wasm.length);
  await WebAssembly.compile(adapted as Uint8Array<ArrayBuffer>);
});

test("withSharedMemory() gives a limit to a memory that had none, and leaves the other imports", () => {
  const table = [1, 0x70, 1, 1, 2];
  const global = [3, 0x7f, 0];
  const wasm = importing(table, global, [2, 0, 1]);
  const adapted = withSharedMemory(wasm);
  expect(adapted).toEqual(importing(table, global, [2, 3, 1, 0x80, 0x80, 4]));
  expect(new WebAssembly.Module(adapted as Uint8Array<ArrayBuffer>)).toBeDefined();
});

test.each([[Uint8Array.from([...magic, 1, 4, 1, 0x60, 0, 0])], [importing([3, 0x7f, 0])], [importing([2, 3, 1, 2])]])(
  "withSharedMemory() has nothing to do for %p",
  (wasm) => {
    expect(withSharedMemory(wasm)).toBeUndefined();
  },
);
