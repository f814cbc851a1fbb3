import { createHash } from "node:crypto";
import { type BundledPackage, bundledPackages, type Metafile } from "./bundled-packages.ts";
import type { Revision } from "./project.ts";

/**
 * The software bill of materials, CycloneDX 1.6 as JSON: what is inside the executables, which is Bun's runtime and
 * every package of which a module was bundled. The same input gives the same text.
 */
export function sbomOf(metafiles: readonly Metafile[], { commit, epochSeconds }: Revision, root: string): string {
  const [own, ...packages] = bundledPackages(metafiles, root).values();
  if (own === undefined) throw new Error("Nothing was bundled");
  const runtime = { name: "bun", version: Bun.version, license: "MIT", sha512: undefined, imports: new Set<string>() };
  const libraries = [runtime, ...packages].toSorted((a, b) => (refOf(a) < refOf(b) ? -1 : 1));
  const refsOf = (ids: ReadonlySet<string>) => libraries.filter((library) => ids.has(idOf(library))).map(refOf);
  const sbom = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(epochSeconds * 1000).toISOString(),
      component: {
        type: "application",
        "bom-ref": idOf(own),
        name: own.name,
        version: own.version,
        licenses: licensesOf(own),
        properties: [{ name: "deby:commit", value: commit }],
      },
    },
    components: libraries.map(componentOf),
    dependencies: [
      { ref: idOf(own), dependsOn: refsOf(new Set([...own.imports, idOf(runtime)])) },
      ...libraries.map((library) => ({ ref: refOf(library), dependsOn: refsOf(library.imports) })),
    ],
  };
  return `${JSON.stringify({ ...sbom, serialNumber: serialNumberOf(JSON.stringify(sbom)) }, undefined, 2)}\n`;
}

function componentOf(bundled: BundledPackage) {
  const { name, version, sha512 } = bundled;
  const ref = refOf(bundled);
  const component = { type: "library", "bom-ref": ref, name, version, purl: ref, licenses: licensesOf(bundled) };
  if (sha512 === undefined) return component;
  return { ...component, hashes: [{ alg: "SHA-512", content: Buffer.from(sha512, "base64").toString("hex") }] };
}

function licensesOf({ license }: BundledPackage) {
  // An expression such as "(MIT OR CC0-1.0)" is no identifier.
  return /[\s()]/.test(license) ? [{ expression: license }] : [{ license: { id: license } }];
}

function idOf({ name, version }: BundledPackage): string {
  return `${name}@${version}`;
}

/** The package's URL (https://github.com/package-url/purl-spec), by which it goes within the bill too. */
function refOf({ name, version }: BundledPackage): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** A UUID made of the content (RFC 9562, version 8), where others take a random one. */
function serialNumberOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return `urn:uuid:${bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}`;
}
