import { expect, test } from "bun:test";
import { PulledLayers } from "../../../../src/outage/targets/pulled-layers.ts";

function after(...lines: readonly string[]) {
  const layers = new PulledLayers();
  for (const line of lines) layers.read(line);
  return layers.part;
}

test("PulledLayers counts the layers that are there, and those that are known", () => {
  expect(after("17-alpine: Pulling from library/postgres")).toMatchObject({ done: 0, of: 0 });
  const known = ["aaaaaaaaaaaa: Pulling fs layer", "bbbbbbbbbbbb: Pulling fs layer", "cccccccccccc: Already exists"];
  expect(after(...known, "bbbbbbbbbbbb: Waiting")).toEqual({ done: 1, of: 3, unit: "layers" });
  const loaded = ["aaaaaaaaaaaa: Verifying Checksum", "aaaaaaaaaaaa: Download complete", "aaaaaaaaaaaa: Extracting"];
  expect(after(...known, ...loaded)).toMatchObject({ done: 2, of: 3 });
  const done = ["aaaaaaaaaaaa: Pull complete", "bbbbbbbbbbbb: Pull complete", "bbbbbbbbbbbb: Pull complete"];
  expect(after(...known, ...loaded, ...done)).toMatchObject({ done: 3, of: 3 });
});

test("PulledLayers makes nothing of what another tool says", () => {
  expect(after("Copying blob sha256:aaaaaaaaaaaa", "", "Status: Downloaded newer image")).toMatchObject({ of: 0 });
});
