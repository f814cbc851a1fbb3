import swagger from "@elysiajs/swagger";
import { type AnyElysia, Elysia } from "elysia";
import { buildOpenApi } from "../openapi.ts";
import { scalarScript } from "../scalar-script.ts";

export interface DocsDeps {
  readonly version: string;
  /** Asked at the first request, when all routes are known. */
  readonly apps: () => readonly AnyElysia[];
}

const HIDDEN = { detail: { hide: true } };

/** The page may talk to this server and to nobody else. Its styles are set by its own script. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** `GET /swagger`, the API's page, and `GET /swagger/json`, its document. Neither needs the internet. */
export function docsRoutes({ version, apps }: DocsDeps): AnyElysia {
  let document: Promise<string> | undefined;
  const page = renderPage(version);
  return new Elysia()
    .get(
      "/swagger",
      async () =>
        new Response(await page, {
          headers: {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": PAGE_POLICY,
            "cache-control": "no-cache",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
          },
        }),
      HIDDEN,
    )
    .get(
      "/swagger/json",
      async () => {
        document ??= buildOpenApi({ version, apps: apps() }).then((built) => JSON.stringify(built));
        return new Response(await document, {
          headers: { "content-type": "application/json", "cache-control": "no-cache" },
        });
      },
      HIDDEN,
    )
    .get("/swagger/scalar.js", ({ request }) => scalarScript(request.headers), HIDDEN);
}

/** The page of @elysiajs/swagger, with everything switched off that would ask another server. */
async function renderPage(version: string): Promise<string> {
  const plugin = swagger({
    path: "/swagger",
    scalarCDN: "/swagger/scalar.js",
    documentation: { info: { title: "deby", version, description: "The API of this server" } },
    scalarConfig: SCALAR_CONFIG,
  });
  const answer = await plugin.handle(new Request("http://page.local/swagger"));
  return await answer.text();
}

// Newer than the types that @elysiajs/swagger knows; the page's script reads them.
const SCALAR_CONFIG = {
  url: "/swagger/json",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
} as Parameters<typeof swagger>[0] extends infer Options
  ? Options extends { scalarConfig?: infer Config }
    ? Config
    : never
  : never;
