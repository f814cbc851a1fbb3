import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { Elysia } from "elysia";
import { currentDeadline, type Deadline } from "../../../src/core/deadline.ts";
import { DebyError } from "../../../src/errors.ts";
import { waitUntil } from "../../support/wait-until.ts";
import { fakeLog, testApp, testServer } from "./fakes.ts";

/** Sends bytes as they are and returns everything that comes back until the connection is closed. */
function exchange(port: number, ...parts: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
    for (const part of parts) socket.write(part);
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

describe("a request's deadline", () => {
  test("is found by everything that the route awaits", async () => {
    let left: number | undefined;
    const userApp = new Elysia().get("/deadline", async () => {
      await Bun.sleep(1);
      left = (currentDeadline()?.at ?? 0) - performance.now();
      return "ok";
    });
    await using server = testServer(testApp({ userApp }), { requestTimeoutMs: 5000 });
    await fetch(`${server.url}/deadline`);
    expect(left).toBeWithin(4000, 5000);
  });

  test("ends a route that never answers with 504", async () => {
    const userApp = new Elysia().get("/never", never);
    await using server = testServer(testApp({ userApp }), { requestTimeoutMs: 100 });
    const startedAt = performance.now();
    const answer = await fetch(`${server.url}/never`);
    expect(performance.now() - startedAt).toBeWithin(100, 2000);
    expect(answer.status).toBe(504);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(await answer.json()).toMatchObject({ code: "DEADLINE_EXCEEDED", outcome: "unknown", retryable: false });
    expect(server.inFlight()).toBe(0);
  });

  test("lets the better answer of the database come first", async () => {
    const userApp = new Elysia().get("/held", async () => {
      await Bun.sleep((currentDeadline()?.at ?? 0) - performance.now());
      throw new DebyError("DATABASE_UNAVAILABLE", "Still away");
    });
    await using server = testServer(testApp({ userApp }), { requestTimeoutMs: 100 });
    expect(await (await fetch(`${server.url}/held`)).json()).toMatchObject({ code: "DATABASE_UNAVAILABLE" });
  });

  test("carries the signal of a client that goes away", async () => {
    let signal: AbortSignal | undefined;
    const userApp = new Elysia().get("/watch", () => {
      signal = currentDeadline()?.makeSignal?.();
      return never();
    });
    await using server = testServer(testApp({ userApp }));
    const client = new AbortController();
    const gone = fetch(`${server.url}/watch`, { signal: client.signal }).catch((error: Error) => error.name);
    await waitUntil("the route runs", () => signal);
    expect(signal?.aborted).toBe(false);
    client.abort();
    expect(await gone).toBe("AbortError");
    await waitUntil("the signal", () => signal?.aborted);
  });

  test("tells of a client that went away before anybody asked", async () => {
    let deadline: Deadline | undefined;
    const left = Promise.withResolvers<void>();
    const userApp = new Elysia().get("/watch", async () => {
      deadline = currentDeadline();
      await left.promise;
      return "late";
    });
    await using server = testServer(testApp({ userApp }));
    const client = new AbortController();
    const gone = fetch(`${server.url}/watch`, { signal: client.signal }).catch((error: Error) => error.name);
    await waitUntil("the route runs", () => deadline);
    client.abort();
    expect(await gone).toBe("AbortError");
    await waitUntil("the signal", () => deadline?.makeSignal?.().aborted);
    left.resolve();
  });
});

describe("a body", () => {
  const userApp = () => new Elysia().post("/echo", async ({ request }) => await request.text(), { parse: "none" });

  test("of the largest size is taken", async () => {
    await using server = testServer(testApp({ userApp: userApp() }), { maxBodyBytes: 1000 });
    const answer = await fetch(`${server.url}/echo`, { method: "POST", body: "x".repeat(1000) });
    expect(await answer.text()).toHaveLength(1000);
  });

  test("that says it is larger gets 413 before it is sent", async () => {
    await using server = testServer(testApp({ userApp: userApp() }), { maxBodyBytes: 1000 });
    const received = await exchange(
      server.port,
      "POST /echo HTTP/1.1\r\nHost: test.local\r\nContent-Length: 1001\r\n\r\n",
    );
    expect(received).toStartWith("HTTP/1.1 413 ");
    expect(received).toContain("application/problem+json");
    expect(received.toLowerCase()).toContain("connection: close");
    expect(received).toContain('"code":"BODY_TOO_LARGE"');
  });

  test("in chunks is counted", async () => {
    await using server = testServer(testApp({ userApp: userApp() }), { maxBodyBytes: 1000 });
    const head = "POST /echo HTTP/1.1\r\nHost: test.local\r\nTransfer-Encoding: chunked\r\n\r\n";
    const chunk = `200\r\n${"x".repeat(512)}\r\n`;
    expect(await exchange(server.port, head, chunk, chunk)).toStartWith("HTTP/1.1 413 ");
    const close = head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    expect(await exchange(server.port, close, chunk, "0\r\n\r\n")).toEndWith("x".repeat(512));
  });

  test("in chunks reaches a route that reads JSON", async () => {
    const app = new Elysia().post("/json", ({ body }) => body);
    await using server = testServer(testApp({ userApp: app }));
    const json = '{"a":1}';
    const received = await exchange(
      server.port,
      "POST /json HTTP/1.1\r\nHost: test.local\r\nContent-Type: application/json\r\nConnection: close\r\n",
      `Transfer-Encoding: chunked\r\n\r\n7\r\n${json}\r\n0\r\n\r\n`,
    );
    expect(received).toEndWith(json);
  });
});

describe("stop()", () => {
  function slowApp(ms: number) {
    let entered = 0;
    const app = new Elysia().get("/slow", async () => {
      entered++;
      await Bun.sleep(ms);
      return "done";
    });
    return { app, entered: () => entered };
  }

  test("waits for the requests in flight and takes no new connection", async () => {
    const { app, entered } = slowApp(300);
    const server = testServer(testApp({ userApp: app }));
    const slow = fetch(`${server.url}/slow`);
    await waitUntil("the request is in", () => entered() === 1 && server.inFlight() === 1);
    const stopped = server.stop({ timeoutMs: 5000 });
    const refused = await fetch(`${server.url}/slow`).catch((error: { code: string }) => error.code);
    expect(refused).toBe("ECONNREFUSED");
    expect(await (await slow).text()).toBe("done");
    await stopped;
    expect(server.inFlight()).toBe(0);
  });

  test("answers what is not done in time with SHUTTING_DOWN", async () => {
    const app = new Elysia().get("/never", never);
    const server = testServer(testApp({ userApp: app }), { requestTimeoutMs: 60_000 });
    const held = fetch(`${server.url}/never`);
    await waitUntil("the request is in", () => server.inFlight() === 1);
    const startedAt = performance.now();
    await server.stop({ timeoutMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    const answer = await held;
    expect(answer.status).toBe(503);
    expect(answer.headers.get("connection")).toBe("close");
    expect(await answer.json()).toMatchObject({ code: "SHUTTING_DOWN", outcome: "unknown" });
  });

  test("is not delayed by connections that are kept alive", async () => {
    const server = testServer(testApp());
    const idle = connect(server.port, "127.0.0.1");
    let isClosed = false;
    idle.on("close", () => {
      isClosed = true;
    });
    let received = "";
    idle.on("data", (chunk) => {
      received += chunk.toString();
    });
    idle.write("GET /livez HTTP/1.1\r\nHost: test.local\r\n\r\n");
    await waitUntil("the answer", () => received.includes('"ok"'));
    const startedAt = performance.now();
    await server.stop({ timeoutMs: 5000 });
    expect(performance.now() - startedAt).toBeLessThan(2000);
    await waitUntil("the end of the idle connection", () => isClosed);
  });

  test("gives the port free", async () => {
    const first = testServer(testApp());
    await first.stop({ timeoutMs: 1000 });
    await using second = testServer(testApp(), { port: first.port });
    expect(second.port).toBe(first.port);
  });
});

describe("drain()", () => {
  test("refuses new work, while health and probes go on", async () => {
    let calls = 0;
    const app = new Elysia().get("/work", () => ++calls);
    await using server = testServer(testApp({ userApp: app }));
    server.drain();
    const refused = await fetch(`${server.url}/work`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("connection")).toBe("close");
    expect(await refused.json()).toMatchObject({ code: "SHUTTING_DOWN", outcome: "not-executed", retryable: true });
    for (const path of ["/livez", "/readyz", "/startupz", "/api/health"]) {
      expect((await fetch(server.url + path)).status).toBe(200);
    }
    expect(calls).toBe(0);
  });
});

describe("a program's app", () => {
  test("gets the server, and its start and stop hooks are run", async () => {
    const seen: string[] = [];
    const app = new Elysia()
      .onStart(({ server }) => void seen.push(`start ${server?.port}`))
      .onStop(() => void seen.push("stop"))
      .get("/address", ({ server, request }) => server?.requestIP(request)?.address);
    const server = testServer(testApp({ userApp: app }));
    expect(await (await fetch(`${server.url}/address`)).text()).toBe("127.0.0.1");
    await server.stop({ timeoutMs: 1000 });
    expect(seen).toEqual([`start ${server.port}`, "stop"]);
  });

  test("cannot hold up the end by a stop hook that fails or never ends, and is told of", async () => {
    for (const [hook, told] of [
      [() => Promise.reject(new Error("no table")), "An onStop hook failed: Error: no table"],
      [() => new Promise<void>(() => {}), "An onStop hook has not ended within shutdown-timeout and is left behind"],
    ] as const) {
      const log = fakeLog();
      const server = testServer(testApp({ userApp: new Elysia().onStop(hook) }), { log });
      await server.stop({ timeoutMs: 200 });
      expect(log.lines.map(({ message }) => message)).toEqual([told]);
    }
  });

  test("may speak WebSocket", async () => {
    const app = new Elysia().ws("/live", { message: (ws, message) => void ws.send(`heard ${message}`) });
    await using server = testServer(testApp({ userApp: app }));
    const socket = new WebSocket(`${server.url.replace("http", "ws")}/live`);
    const heard = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data)));
    socket.addEventListener("open", () => socket.send("hello"));
    expect(await heard).toBe("heard hello");
    socket.close();
  });

  test("may stream", async () => {
    const app = new Elysia().get("/stream", async function* () {
      yield "a";
      await Bun.sleep(5);
      yield "b";
    });
    await using server = testServer(testApp({ userApp: app }));
    expect(await (await fetch(`${server.url}/stream`)).text()).toContain("b");
  });
});

describe("HEAD", () => {
  test("of a known and of an unknown path has no body", async () => {
    await using server = testServer(testApp());
    const known = await exchange(server.port, "HEAD /livez HTTP/1.1\r\nHost: test.local\r\nConnection: close\r\n\r\n");
    expect(known).toStartWith("HTTP/1.1 200 ");
    expect(known).toEndWith("\r\n\r\n");
    const unknown = await exchange(server.port, "HEAD /nope HTTP/1.1\r\nHost: test.local\r\nConnection: close\r\n\r\n");
    expect(unknown).toStartWith("HTTP/1.1 404 ");
    expect(unknown).toEndWith("\r\n\r\n");
  });
});

describe("a failure outside of the routes", () => {
  test("is 500 as a problem, and logged", async () => {
    const log = fakeLog();
    const app = { ...testApp(), handle: () => Promise.reject(new Error("secret")) };
    await using server = testServer(app, { log });
    const answer = await fetch(`${server.url}/any`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("secret");
    expect(log.lines[0]?.message).toContain("secret");
  });
});
