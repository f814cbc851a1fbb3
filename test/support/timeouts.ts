import { readFileSync } from "node:fs";
import { plugin } from "bun";

/** Against Bun's 5000 ms, which a real server on a busy machine can exceed without anything being wrong. */
const TIMEOUT_MS = 30_000;

/**
 * Preloaded by bunfig.toml: gives every test more time. Bun 1.4.5 reads no timeout from
 * bunfig.toml (oven-sh/bun#7789), and `setDefaultTimeout()` counts only in the file that calls it, so the call is put
 * in front of each such file, on its first line, which leaves all line numbers as they are.
 */
plugin({
  name: "timeouts",
  setup(build) {
    build.onLoad({ filter: /[\\/]test[\\/](unit|integration|binary)[\\/].*\.test\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: `import { setDefaultTimeout as allow } from "bun:test"; allow(${TIMEOUT_MS}); ${readFileSync(path, "utf8")}`,
    }));
  },
});
