import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sbomOf } from "../../../scripts/build/sbom.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";

const folder = makeTempFolder("sbom");
afterAll(() => folder[Symbol.asyncDispose]());

const REVISION = { commit: "0123456789-dirty", epochSeconds: 1_700_000_000 };
const HASH = Buffer.alloc(64, 1);

install("", { name: "shop", version: "1.0.0", license: "MIT" });
install("node_modules/a", { name: "a", version: "1.2.3", license: "(MIT OR CC0-1.0)" });
install("node_modules/@b/c", { name: "@b/c", version: "2.0.0", license: "Apache-2.0" });
install("node_modules/a/node_modules/@b/c", { name: "@b/c", version: "1.0.0", license: "Apache-2.0" });
install("node_modules/unused", { name: "unused", version: "1.0.0", license: "MIT" });
install("node_modules/vague", { name: "vague", version: "1.0.0" });
writeFileSync(
  join(folder.path, "bun.lock"),
  `{ "packages": { "a": ["a@1.2.3", "", {}, "sha512-${HASH.toString("base64")}"], }, }`,
);

function install(path: string, manifest: object): void {
  mkdirSync(join(folder.path, path), { recursive: true });
  writeFileSync(join(folder.path, path, "package.json"), JSON.stringify(manifest));
}

/** A bundle's modules, each with the modules that it imports. */
function metafileOf(modules: Readonly<Record<string, readonly string[]>>) {
  const inputs = Object.entries(modules).map(([path, imports]) => {
    return [
      path,
      { bytes: 1, imports: imports.map((to) => ({ path: to, kind: "import-statement" as const })) },
    ] as const;
  });
  return { inputs: Object.fromEntries(inputs) };
}

const METAFILES = [
  metafileOf({
    "src/main.ts": ["node_modules/a/index.js", "src/other.ts", "node:fs"],
    "src/other.ts": ["node_modules/@b/c/index.js"],
    "node_modules/a/index.js": ["node_modules/a/node_modules/@b/c/index.js"],
    "node_modules/a/node_modules/@b/c/index.js": [],
    "node_modules/@b/c/index.js": [],
  }),
  metafileOf({ "src/main.ts": ["node_modules/a/index.js"], "node_modules/a/index.js": [] }),
];

const bill = (metafiles = METAFILES) => JSON.parse(sbomOf(metafiles, REVISION, folder.path));

test("it lists Bun and each bundled package once, with version, licence and the lock file's hash", () => {
  const { components } = bill();
  expect(components.map((component: Record<string, unknown>) => component["purl"])).toEqual([
    "pkg:npm/%40b/c@1.0.0",
    "pkg:npm/%40b/c@2.0.0",
    "pkg:npm/a@1.2.3",
    `pkg:npm/bun@${Bun.version}`,
  ]);
  expect(components[2]).toEqual({
    type: "library",
    "bom-ref": "pkg:npm/a@1.2.3",
    name: "a",
    version: "1.2.3",
    purl: "pkg:npm/a@1.2.3",
    licenses: [{ expression: "(MIT OR CC0-1.0)" }],
    hashes: [{ alg: "SHA-512", content: HASH.toString("hex") }],
  });
  expect(components[0].licenses).toEqual([{ license: { id: "Apache-2.0" } }]);
});

test("it tells which package imports which", () => {
  expect(bill().dependencies).toEqual([
    { ref: "shop@1.0.0", dependsOn: ["pkg:npm/%40b/c@2.0.0", "pkg:npm/a@1.2.3", `pkg:npm/bun@${Bun.version}`] },
    { ref: "pkg:npm/%40b/c@1.0.0", dependsOn: [] },
    { ref: "pkg:npm/%40b/c@2.0.0", dependsOn: [] },
    { ref: "pkg:npm/a@1.2.3", dependsOn: ["pkg:npm/%40b/c@1.0.0"] },
    { ref: `pkg:npm/bun@${Bun.version}`, dependsOn: [] },
  ]);
});

test("it is CycloneDX 1.6 of this commit and its time, the same text each time", () => {
  const { bomFormat, specVersion, serialNumber, metadata } = bill();
  expect({ bomFormat, specVersion }).toEqual({ bomFormat: "CycloneDX", specVersion: "1.6" });
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(metadata.timestamp).toBe("2023-11-14T22:13:20.000Z");
  expect(metadata.component).toMatchObject({ name: "shop", version: "1.0.0", licenses: [{ license: { id: "MIT" } }] });
  expect(metadata.component.properties).toEqual([{ name: "deby:commit", value: REVISION.commit }]);
  expect(sbomOf(METAFILES, REVISION, folder.path)).toBe(sbomOf(METAFILES.toReversed(), REVISION, folder.path));
});

test("a package without a licence stops the build", () => {
  expect(() => bill([metafileOf({ "node_modules/vague/index.js": [] })])).toThrow("vague 1.0.0 names no licence");
});
