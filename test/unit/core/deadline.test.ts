import { expect, test } from "bun:test";
import { earlier, signalOf } from "../../../src/core/deadline.ts";

/** A deadline whose signal knows whose it is, as that of a request. */
class Made {
  readonly at = 100;
  readonly controller = new AbortController();

  makeSignal(): AbortSignal {
    return this.controller.signal;
  }
}

test("earlier() takes the earlier moment and heeds the signals of both, those that have to be made, too", () => {
  const request = new Made();
  const own = new AbortController();
  const both = earlier(request, { at: 50, signal: own.signal });
  expect(both.at).toBe(50);
  expect(both.signal?.aborted).toBe(false);
  request.controller.abort();
  expect(both.signal?.aborted).toBe(true);
  expect(earlier({ at: 10 }, { at: 20 })).toEqual({ at: 10 });
  expect(earlier(undefined, request)).toBe(request);
});

test("signalOf() prefers the signal that is there", () => {
  const { signal } = new AbortController();
  expect(signalOf({ at: 1, signal })).toBe(signal);
  const made = new Made();
  expect(signalOf(made)).toBe(made.controller.signal);
  expect(signalOf({ at: 1 })).toBeUndefined();
});
