import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { hasBrowser, openBrowser } from "../support/browser.ts";
import { spawnDeby } from "../support/executable.ts";
import { freePort } from "../support/ports.ts";
import { waitUntil } from "../support/wait-until.ts";

const SHOP = join(import.meta.dir, "../../scripts/examples/shop.ts");

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
