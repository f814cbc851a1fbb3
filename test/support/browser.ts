import { isCi } from "./ci.ts";

const BROWSER = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
  .map((name) => Bun.which(name))
  .find((path) => path !== null);

/** Whether a browser is to be used. With CI=true it is never skipped: a missing browser is a failure then. */
export const hasBrowser = isCi || BROWSER !== undefined;

/** A real browser, and what its page asked of the network and told its console. */
export function openBrowser() {
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
