import { describe, expect, test } from "bun:test";
import { frontendMessage } from "../../../src/embedded/frontend-messages.ts";
import { greetingFor, refusalOf, type Startup, settingsOf } from "../../../src/embedded/login.ts";

const startupOf = (parameters: Record<string, string>, minorVersion = 0): Startup => {
  return { type: "startup", minorVersion, parameters: new Map(Object.entries(parameters)) };
};
const answer = (password: string) => ({ type: "p", bytes: frontendMessage("p", password) });
const isPassword = (text: string) => text === "secret";
const good = { user: "postgres", database: "deby_ecommerce" };

describe("a login to the embedded server", () => {
  test("needs the password, the user and the database", () => {
    const code = (parameters: Record<string, string>, password: string) =>
      refusalOf(startupOf(parameters), answer(password), isPassword)?.code;
    expect(code(good, "secret")).toBeUndefined();
    expect(code(good, "wrong")).toBe("28P01");
    expect(code({ ...good, user: "me" }, "secret")).toBe("28P01");
    expect(code({ user: "postgres" }, "secret")).toBe("3D000");
    expect(refusalOf(startupOf(good), { type: "Q", bytes: frontendMessage("Q", "secret") }, isPassword)?.code).toBe(
      "28P01",
    );
  });

  test("is told the server's settings, with those that it asked for in their place", () => {
    const startup = startupOf({ ...good, TimeZone: "Europe/Berlin", options: "-c x=1", "no name": "x" });
    expect([...settingsOf(startup)]).toEqual([["TimeZone", "Europe/Berlin"]]);
    const server = { parameters: { TimeZone: "UTC", server_version: "18.6" }, id: 7, secret: 8 };
    const greeting = greetingFor(startup, server).toString("latin1");
    expect(greeting).toContain("TimeZone\0Europe/Berlin\0");
    expect(greeting).toContain("server_version\0" + "18.6\0");
    expect(greeting).toEndWith("Z\0\0\0\x05I");
    expect(greeting).toStartWith("R");
  });

  test("that asks for a newer protocol or its options is told what there is", () => {
    const server = { parameters: {}, id: 1, secret: 2 };
    expect(greetingFor(startupOf(good, 2), server).toString("latin1")).toStartWith("v");
    const greeting = greetingFor(startupOf({ ...good, "_pq_.x": "1" }), server).toString("latin1");
    expect(greeting).toStartWith("v");
    expect(greeting).toContain("_pq_.x\0");
  });
});
