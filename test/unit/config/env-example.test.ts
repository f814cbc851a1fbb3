import { expect, test } from "bun:test";
import { join } from "node:path";
import { loadWith } from "./load-with.ts";

const example = await Bun.file(join(import.meta.dir, "../../../.env.example")).text();

test(".env.example loads without a warning as it is", () => {
  const { config, warnings } = loadWith({ envFile: example });
  expect(warnings).toEqual([]);
  expect(config.database.hosts).toEqual([{ host: "localhost", port: 5432 }]);
});

test("every line that .env.example comments out can be taken in, and shows the default", () => {
  const envFile = example.replaceAll(/^# (?=[A-Z_]+=)/gm, "");
  const { config, warnings } = loadWith({ envFile });
  expect(warnings).toEqual([]);
  expect(config).toEqual(loadWith({ envFile: example }).config);
});
