import { describe, expect, test } from "bun:test";
import type { Part } from "../../../src/outage/progress.ts";
import { requireImage } from "../../../src/outage/targets/docker-image.ts";
import { docker, dockerAvailable } from "../../support/docker.ts";
import { ImageRegistry } from "../../support/image-registry.ts";
import { waitUntil } from "../../support/wait-until.ts";

const LAYERS = 4;

function pull(registry: ImageRegistry) {
  const steps: string[] = [];
  const parts: Part[] = [];
  const onStep = (step: string, part?: Part) => (part === undefined ? steps.push(step) : parts.push(part));
  const { signal } = new AbortController();
  const pulled = requireImage(registry.image, { signal, onStep, limitMs: 30_000 });
  pulled.catch(() => {});
  return { pulled, steps, parts };
}

describe.skipIf(!dockerAvailable)("requireImage()", () => {
  test("pulls what is not here, and tells layer by layer how far that has come", async () => {
    await using registry = new ImageRegistry(LAYERS);
    const { pulled, steps, parts } = pull(registry);
    try {
      for (let done = 1; done <= LAYERS; done++) {
        registry.release(done - 1);
        await waitUntil(`${done} layers are told of`, () => parts.at(-1)?.done === done, { deadlineMs: 10_000 });
        expect(parts.at(-1)).toEqual({ done, of: LAYERS, unit: "layers" });
      }
      await pulled;
      expect(steps).toEqual([`pulling ${registry.image}`]);

      const again = pull(registry);
      await again.pulled;
      expect([again.steps, again.parts]).toEqual([[], []]);
    } finally {
      await docker("rmi", registry.image);
    }
  }, 60_000);

  test("tells why, and the way out, when a layer does not come", async () => {
    await using registry = new ImageRegistry(LAYERS);
    const { pulled, parts } = pull(registry);
    registry.release(0);
    await waitUntil("one layer is here", () => parts.at(-1)?.done === 1, { deadlineMs: 10_000 });
    for (let index = 1; index < LAYERS; index++) registry.lose(index);
    await expect(pulled).rejects.toMatchObject({
      code: "CANNOT_RUN",
      message: expect.stringMatching(/cannot be pulled: .+\n(Use one that is here|Without a network, load one)/s),
    });
  }, 60_000);
});
