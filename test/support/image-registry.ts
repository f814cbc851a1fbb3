import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const BLOCK_BYTES = 512;

/** A registry on loopback with one image of a few small layers, each of which is handed out when it is told to. */
export class ImageRegistry implements AsyncDisposable {
  /** Of the image, as `docker pull` takes it; another one in each registry. */
  readonly image: string;
  readonly layerCount: number;
  readonly #server: Bun.Server<undefined>;
  readonly #gates: readonly PromiseWithResolvers<boolean>[];

  constructor(layerCount: number) {
    this.layerCount = layerCount;
    const tag = Date.now().toString(36);
    this.#gates = Array.from({ length: layerCount }, () => Promise.withResolvers<boolean>());
    const layers = Array.from({ length: layerCount }, (_, index) => tarOf(`file-${index}`, `${tag} ${index}\n`));
    const zipped = layers.map((layer) => gzipSync(layer));
    const config = Buffer.from(
      JSON.stringify({
        architecture: process.arch === "x64" ? "amd64" : process.arch,
        os: "linux",
        config: {},
        rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
      }),
    );
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: describe(config, "application/vnd.docker.container.image.v1+json"),
      layers: zipped.map((layer) => describe(layer, "application/vnd.docker.image.rootfs.diff.tar.gzip")),
    });
    const blobs = new Map([config, ...zipped].map((blob) => [digestOf(blob), blob]));
    const gateOf = new Map(zipped.map((layer, index) => [digestOf(layer), this.#gates[index]?.promise]));
    this.#server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      idleTimeout: 0,
      async fetch({ url }) {
        const { pathname } = new URL(url);
        if (pathname === "/v2/") return new Response("{}");
        if (pathname.includes("/manifests/")) {
          const headers = { "Content-Type": MANIFEST, "Docker-Content-Digest": digestOf(Buffer.from(manifest)) };
          return new Response(manifest, { headers });
        }
        const digest = pathname.split("/").at(-1) ?? "";
        const blob = blobs.get(digest);
        if (blob === undefined || (await gateOf.get(digest)) === false) return new Response(null, { status: 404 });
        return new Response(new Uint8Array(blob));
      },
    });
    this.image = `127.0.0.1:${this.#server.port}/deby-test:${tag}`;
  }

  /** Hands out the layer, as soon as it is asked for. */
  release(index: number): void {
    this.#gates[index]?.resolve(true);
  }

  /** Has the layer no more. */
  lose(index: number): void {
    this.#gates[index]?.resolve(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const gate of this.#gates) gate.resolve(false);
    await this.#server.stop(true);
  }
}

function describe(blob: Buffer, mediaType: string) {
  return { mediaType, size: blob.length, digest: digestOf(blob) };
}

function digestOf(blob: Buffer): string {
  return `sha256:${createHash("sha256").update(blob).digest("hex")}`;
}

/** An archive of one small file, in the ustar format of POSIX. */
function tarOf(name: string, text: string): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const put = (value: string, at: number): number => header.write(value, at);
  put(name, 0);
  put("0000644\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  put(`${text.length.toString(8).padStart(11, "0")}\0`, 124);
  put("00000000000\0", 136);
  put("        ", 148);
  put("0", 156);
  put("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const body = Buffer.alloc(BLOCK_BYTES);
  body.write(text);
  return Buffer.concat([header, body, Buffer.alloc(2 * BLOCK_BYTES)]);
}
