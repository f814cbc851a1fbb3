import { describe, expect, test } from "bun:test";
import { bodyOf, fingerprintOf, pathAndQueryOf, readKey } from "../../../src/http/idempotency-key.ts";

const keyIn = (value: string) => readKey(new Headers({ "idempotency-key": value }));

describe("readKey()", () => {
  const keys: readonly [header: string, key: string][] = [
    ["7f2c", "7f2c"],
    ["  7f2c  ", "7f2c"],
    ['"7f2c"', "7f2c"],
    ['"a \\"b\\" \\\\c"', 'a "b" \\c'],
    ["with blanks inside", "with blanks inside"],
    ["x".repeat(255), "x".repeat(255)],
  ];
  test.each(keys)("reads %p", (header, key) => expect(keyIn(header)).toBe(key));

  test("finds none where there is none", () => expect(readKey(new Headers())).toBeUndefined());

  test.each(["", '""', '" a"', "x".repeat(256), "ä", "a\tb"])("refuses %p", (header) => {
    expect(() => keyIn(header)).toThrow(expect.objectContaining({ code: "MALFORMED_REQUEST", status: 400 }));
  });
});

describe("fingerprintOf()", () => {
  const print = (body: unknown, path = "/orders") => fingerprintOf("POST", path, body);

  test("is the same for the same body, in whatever order its members come", async () => {
    expect(await print({ a: 1, b: { c: [1, 2], d: null } })).toBe(await print({ b: { d: null, c: [1, 2] }, a: 1 }));
    const form = (...entries: [string, string][]) => {
      const data = new FormData();
      for (const [name, value] of entries) data.append(name, value);
      return data;
    };
    expect(await print(form(["a", "1"], ["b", "2"]))).toBe(await print(form(["b", "2"], ["a", "1"])));
  });

  test("differs where anything differs", async () => {
    const bytes = (...values: number[]) => new Uint8Array(values);
    const bodies = [
      undefined,
      null,
      "",
      "1",
      1,
      1n,
      [],
      [1, 2],
      [2, 1],
      {},
      { a: 1 },
      { a: "1" },
      { a: undefined, b: 1 },
      new Date(0),
      new Date(1),
      bytes(1),
      bytes(2),
      { file: new File(["x"], "a.txt") },
      { file: new File(["y"], "a.txt") },
    ];
    const prints = await Promise.all(bodies.map((body) => print(body)));
    expect(new Set(prints).size).toBe(bodies.length);
    expect(await print(bytes(1).buffer)).toBe(await print(bytes(1)));
    expect(await print({}, "/orders/1")).not.toBe(await print({}, "/orders"));
    expect(await fingerprintOf("PUT", "/orders", {})).not.toBe(await print({}));
  });
});

describe("pathAndQueryOf()", () => {
  test.each([
    ["http://localhost:5000/orders?gift=1", "/orders?gift=1"],
    ["https://orders/orders", "/orders"],
    ["http://a/a/b", "/a/b"],
    ["http://shop/", "/"],
    ["http://shop/?back=http://shop/", "/?back=http://shop/"],
    ["/orders/7?back=http://shop/", "/orders/7?back=http://shop/"],
  ])("leaves out the host: %p", (url, expected) => expect(pathAndQueryOf(url)).toBe(expected));
});

describe("bodyOf()", () => {
  const requestWith = (body?: string) =>
    new Request("http://localhost/", { method: "POST", ...(body ? { body } : {}) });

  test("is what was parsed, be it null", async () => {
    const request = requestWith("{}");
    await request.text();
    expect([await bodyOf(request, {}), await bodyOf(request, null)]).toEqual([{}, null]);
  });

  test("is what was not parsed, and leaves it to be read", async () => {
    const request = requestWith("hi");
    expect(await bodyOf(request, undefined)).toEqual(new TextEncoder().encode("hi"));
    expect(await request.text()).toBe("hi");
  });

  test("is undefined where there is none, also where somebody tried to read it", async () => {
    const request = requestWith();
    expect(await bodyOf(request, undefined)).toBeUndefined();
    await request.text();
    expect(await bodyOf(request, undefined)).toBeUndefined();
  });

  test("refuses a body that was read and not handed over, and says what to do", async () => {
    const request = requestWith("hi");
    await request.text();
    expect(bodyOf(request, undefined)).rejects.toMatchObject({
      code: "INTERNAL_ERROR",
      message: expect.stringContaining("idempotent({ ...context, body }, work)"),
    });
  });
});
