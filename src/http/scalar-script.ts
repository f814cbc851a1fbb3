import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { readAsset } from "../core/read-asset.ts";
import { SCALAR_PATH } from "./scalar-path.ts";

const compress = promisify(gzip);

interface LoadedScript {
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
  readonly etag: string;
}

let loaded: Promise<LoadedScript> | undefined;

/** The script of the API page: 4.3 MB, so it is compressed once, off the main thread, and kept by browsers. */
export async function scalarScript(headers: Headers): Promise<Response> {
  loaded ??= load();
  const { plain, gzipped, etag } = await loaded;
  const shared = { etag, "cache-control": "no-cache", vary: "accept-encoding" };
  if (headers.get("if-none-match")?.includes(etag)) return new Response(null, { status: 304, headers: shared });
  const isGzipAccepted = /\bgzip\b/.test(headers.get("accept-encoding") ?? "");
  return new Response(isGzipAccepted ? gzipped : plain, {
    headers: {
      ...shared,
      "content-type": "text/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
      ...(isGzipAccepted ? { "content-encoding": "gzip" } : {}),
    },
  });
}

async function load(): Promise<LoadedScript> {
  const plain = await readAsset(SCALAR_PATH);
  const gzipped = new Uint8Array(await compress(plain));
  return { plain, gzipped, etag: `"${Bun.hash(plain).toString(36)}"` };
}
