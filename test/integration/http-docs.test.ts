import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { isCi } from "../support/ci.ts";
import { spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { waitUntil } from "../support/wait-until.ts";

const SHOP = join(import.meta.dir, "../../scripts/examples/shop.ts");
const BROWSER = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
  .map((name) => Bun.which(name))
  .find((path) => path !== null);

/** With CI=true it is never skipped: a missing browser is a failure then. */
const hasBrowser = isCi || BROWSER !== undefined;

/** A real browser, and what its page asked of the network and told its console. */
function openBrowser() {
  if (BROWSER === undefined) throw new Error("There is no Chromium: apt-get install chromium");
  const requested: string[] = [];
  const complaints: string[] = [];
  const view = new Bun.WebView({
    width: 1200,
    height: 900,
    backend: { type: "chrome", path: BROWSER, argv: ["--no-sandbox", "--disable-dev-shm-usage"] },
    console: (type, ...args) => {
      if (type === "error" || type === "warning") complaints.push(`${type}: ${args.map(String).join(" ")}`);
    },
  });
  async function listen(): Promise<void> {
    await view.navigate("about:blank");
    await view.cdp("Network.enable");
    await view.cdp("Log.enable");
    view.addEventListener<{ request: { url: string } }>("Network.requestWillBeSent", ({ data }) => {
      requested.push(data.request.url);
    });
    view.addEventListener<{ entry: { level: string; text: string } }>("Log.entryAdded", ({ data }) => {
      complaints.push(`${data.entry.level}: ${data.entry.text}`);
    });
  }
  const text = () => view.evaluate<string>("document.body.innerText");
  return {
    view,
    requested,
    complaints,
    listen,
    text,
    async [Symbol.asyncDispose]() {
      await view[Symbol.asyncDispose]();
    },
  };
}

describe.skipIf(!hasBrowser)("GET /swagger in a browser (needs Chromium)", () => {
  test(
    "shows the routes, asks no other server for anything, and needs no database",
    async () => {
      const nowhere = `postgres://nobody@127.0.0.1:${await freePort()}/none`;
      await using deby = await spawnDeby(["serve", "--port", "0", "--routes", SHOP], {
        env: { DATABASE_URL: nowhere },
      });
      const [, api = ""] = await deby.waitForLine(/API: (http:\/\/[\d.:]+)/);
      await using browser = openBrowser();
      await browser.listen();
      await browser.view.navigate(`${api}/swagger`);
      await waitUntil("the routes are shown", async () => (await browser.text()).includes("/orders/{id}"), {
        deadlineMs: 30_000,
        everyMs: 100,
      });
      const text = await browser.text();
      for (const shown of ["deby", "One product", "/products", "Adds a product", "health", "admin"]) {
        expect(text).toContain(shown);
      }
      // Time for what a page asks for once it is idle.
      await Bun.sleep(1000);
      expect([...new Set(browser.requested)].sort()).toEqual([
        `${api}/swagger`,
        `${api}/swagger/json`,
        `${api}/swagger/scalar.js`,
      ]);
      expect(browser.complaints).toEqual([]);
    },
    { timeout: 60_000 },
  );
});
