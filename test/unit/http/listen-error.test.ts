import { describe, expect, test } from "bun:test";
import { DebyError } from "../../../src/errors.ts";
import { listenError } from "../../../src/http/listen-error.ts";
import { testApp, testServer } from "./fakes.ts";

function explained(code: string, port: number, platform: NodeJS.Platform): string {
  return listenError(Object.assign(new Error("x"), { code }), { host: "127.0.0.1", port }, platform).message;
}

describe("a port that is taken", () => {
  test("is LISTEN_FAILED with the port, how to find its holder, and the way out", async () => {
    await using first = testServer(testApp());
    let error: unknown;
    try {
      testServer(testApp(), { port: first.port });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(DebyError);
    expect(error).toMatchObject({ code: "LISTEN_FAILED", reason: "EADDRINUSE", exitCode: 3 });
    expect((error as Error).message).toContain(`Cannot listen on 127.0.0.1:${first.port}: another program holds port`);
    expect((error as Error).message).toContain("--port");
  });

  test("is explained in the platform's own commands", () => {
    expect(explained("EADDRINUSE", 5000, "darwin")).toContain("AirPlay");
    expect(explained("EADDRINUSE", 5001, "darwin")).not.toContain("AirPlay");
    expect(explained("EADDRINUSE", 5000, "darwin")).toContain("lsof -nP -iTCP:5000");
    expect(explained("EADDRINUSE", 5000, "linux")).toContain("ss -ltnp 'sport = :5000'");
    expect(explained("EADDRINUSE", 5000, "win32")).toContain("netstat -ano");
  });
});

describe("an address or a port that cannot be had", () => {
  test("is explained", () => {
    expect(explained("EACCES", 80, "linux")).toContain("1024");
    expect(explained("EADDRNOTAVAIL", 80, "linux")).toContain("no address 127.0.0.1");
    expect(explained("ESOMETHING", 80, "linux")).toEndWith(": x");
  });
});
