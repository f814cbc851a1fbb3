import type { Part } from "../progress.ts";

/** How the lines of `docker pull` on no terminal tell of a layer: its short name, and what has become of it. */
const LINE = /^([0-9a-f]{12}): (Pulling fs layer|Pull complete|Already exists)$/;

/** Counts an image's layers while it is pulled. Another tool's lines tell it nothing. */
export class PulledLayers {
  readonly #isDone = new Map<string, boolean>();

  get part(): Part {
    const done = [...this.#isDone.values()].filter(Boolean).length;
    return { done, of: this.#isDone.size, unit: "layers" };
  }

  read(line: string): void {
    const [, layer, state] = LINE.exec(line) ?? [];
    if (layer !== undefined) this.#isDone.set(layer, state !== "Pulling fs layer");
  }
}
