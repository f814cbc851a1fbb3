import { type AnyElysia, Elysia } from "elysia";
import { buildOpenApi } from "../openapi.ts";
import { scalarScript } from "../scalar-script.ts";

export interface DocsDeps {
  readonly version: string;
  /** Asked at the first request, when all routes are known. */
  readonly apps: () => readonly AnyElysia[];
}

const HIDDEN = { detail: { hide: true } };

/** Switches off whatever would ask another server: fonts, usage figures, a chat, the hosted client. */
const SCALAR_CONFIGURATION = {
  url: "/swagger/json",
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: "never",
  agent: { disabled: true },
  mcp: { disabled: true },
};

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>deby API</title>
    <link rel="icon" href="data:," />
  </head>
  <body>
    <script id="api-reference" data-configuration='${JSON.stringify(SCALAR_CONFIGURATION)}'></script>
    <script src="/swagger/scalar.js"></script>
  </body>
</html>
`;

/** The page may talk to this server and to nobody else. Its styles are set by its own script. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cache-control": "no-cache",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
};

/** `GET /swagger`, the API's page, and `GET /swagger/json`, its document. Neither needs the internet. */
export function docsRoutes({ version, apps }: DocsDeps): AnyElysia {
  let document: Promise<string> | undefined;
  return new Elysia()
    .get("/swagger", () => new Response(PAGE, { headers: PAGE_HEADERS }), HIDDEN)
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
