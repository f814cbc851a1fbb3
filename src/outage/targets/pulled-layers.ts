import type { Part } from "../progress.ts";

/** How the lines of `docker pull` on no terminal tell of a layer: its short name, and what has become of it. */
const LINE = /^([0-9a-f]{12}): (.+)$/;
/** Not every image store says more than the first of these. */
const HERE = /^(Download complete|Pull complete|Already exists)/;

/** Counts an image's layers while it is pulled. Another tool's lines tell it nothing. */
export class PulledLayers {
  readonly #isDone = new Map<string, boolean>();

  get part(): Part {
    const done = [...this.#isDone.values()].filter(Boolean).length;
    return { done, of: this.#isDone.size, unit: "layers" };
  }

  read(line: string): void {
    const [, layer, state = ""] = LINE.exec(line) ?? [];
    if (layer !== undefined) this.#isDone.set(layer, this.#isDone.get(layer) === true || HERE.test(state));
  }
}
