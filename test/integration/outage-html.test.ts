import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { renderOutageHtml } from "../../src/reports/outage-html.ts";
import { hasBrowser, openBrowser } from "../support/browser.ts";
import { makeTempFolder } from "../support/temp-folder.ts";
import { SERIES } from "../unit/reports/outage-sample.ts";

interface Seen {
  readonly page: string;
  readonly ink: string;
  readonly charts: number;
  /** Fills of one bar of each class, in their order of severity. */
  readonly fills: readonly string[];
  /** Whether anything is wider than the window. */
  readonly isCutOff: boolean;
}

const LOOK = `(() => {
  const style = (element) => getComputedStyle(element);
  const names = ["ok", "held", "cut", "failedFast", "timedOut", "hung"];
  return {
    page: style(document.body).backgroundColor,
    ink: style(document.querySelector("svg.chart .mark")).stroke,
    charts: [...document.querySelectorAll("svg.chart")].filter((svg) => svg.getBoundingClientRect().height > 200).length,
    fills: names.map((name) => style(document.querySelector("svg.chart .bar." + name)).fill),
    isCutOff: document.documentElement.scrollWidth > window.innerWidth,
  };
})()`;

describe.skipIf(!hasBrowser)("the HTML report in a browser (needs Chromium)", () => {
  test("opens with no request to anywhere and no complaint, in light, dark and on paper", async () => {
    await using folder = makeTempFolder("report");
    const path = join(folder.path, "report.html");
    await Bun.write(path, renderOutageHtml(SERIES));
    await using browser = openBrowser();
    await browser.listen();
    const look = async (media: string, scheme: string): Promise<Seen> => {
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await browser.view.cdp("Emulation.setEmulatedMedia", { media, features });
      await browser.view.navigate(pathToFileURL(path).href);
      return await browser.view.evaluate<Seen>(LOOK);
    };
    const light = await look("screen", "light");
    const dark = await look("screen", "dark");
    const paper = await look("print", "dark");
    expect(light).toMatchObject({ page: "rgb(255, 255, 255)", charts: 2, isCutOff: false });
    expect(dark).toMatchObject({ page: "rgb(20, 24, 28)", ink: "rgb(230, 237, 243)", charts: 2, isCutOff: false });
    expect(paper).toMatchObject({ page: light.page, ink: light.ink, isCutOff: false });
    // Every class but the harmless one has a pattern, and no two the same.
    expect(new Set(light.fills).size).toBe(6);
    expect(light.fills.slice(1).every((fill) => fill.startsWith("url("))).toBe(true);
    const text = await browser.text();
    for (const shown of ["Outage reports", "BROKEN", "not run", "held over 1 s"]) expect(text).toContain(shown);
    expect([...new Set(browser.requested)]).toEqual([pathToFileURL(path).href]);
    expect(browser.complaints).toEqual([]);
  }, 60_000);
});
