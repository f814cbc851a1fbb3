import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fakeMetrics } from "./fakes.ts";
import { metricNames } from "./parse-metrics.ts";

test("README's table of metrics names each, and no other", () => {
  const readme = readFileSync(join(import.meta.dir, "../../../README.md"), "utf8");
  const [, section = ""] = /^### Metrics\n(.*?)^##/ms.exec(readme) ?? [];
  const named = section.matchAll(/`((?:db_client|deby|process)_\w+)`/g);
  const names = Array.from(named, ([, name]) => name).filter((name) => name !== "db_client_connection_state");
  expect(new Set(names)).toEqual(new Set(metricNames(fakeMetrics().metrics.render())));
});
