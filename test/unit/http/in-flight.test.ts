import { describe, expect, test } from "bun:test";
import { RequestsInFlight } from "../../../src/http/in-flight.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { request } from "./fakes.ts";

const fail = () => new Response("failed", { status: 500 });

describe("RequestsInFlight", () => {
  test("counts a request until it is answered", async () => {
    const requests = new RequestsInFlight(new ManualClock(), 1000);
    const work = Promise.withResolvers<Response>();
    const answer = requests.track(requests.begin(request("/")), work.promise, fail);
    expect(requests.count).toBe(1);
    work.resolve(new Response("ok"));
    expect(await (await answer)?.text()).toBe("ok");
    expect(requests.count).toBe(0);
  });

  test("answers shortly after the deadline, not before", async () => {
    const clock = new ManualClock();
    const requests = new RequestsInFlight(clock, 1000);
    let status: number | undefined;
    const never = new Promise<Response>(() => undefined);
    void requests.track(requests.begin(request("/")), never, fail).then((answer) => {
      status = answer?.status;
    });
    await clock.advance(1040);
    expect(status).toBeUndefined();
    await clock.advance(60);
    expect(status).toBe(504);
    expect(requests.count).toBe(0);
  });

  test("prefers an answer that is ready when a stall of the process ends", async () => {
    const clock = new ManualClock();
    const requests = new RequestsInFlight(clock, 1000);
    const work = Promise.withResolvers<Response>();
    const answer = requests.track(requests.begin(request("/")), work.promise, fail);
    clock.after(5000, () => work.resolve(new Response("late but true")));
    await clock.advance(5000 - 1);
    expect((await answer)?.status).toBe(504);
    const second = Promise.withResolvers<Response>();
    const secondAnswer = requests.track(requests.begin(request("/")), second.promise, fail);
    clock.after(1060, () => second.resolve(new Response("in time")));
    await clock.advance(1100);
    expect(await (await secondAnswer)?.text()).toBe("in time");
  });

  test("one timer serves them all, and none is left when all are answered", async () => {
    const clock = new ManualClock();
    const requests = new RequestsInFlight(clock, 1000);
    const works = Array.from({ length: 50 }, () => Promise.withResolvers<Response>());
    const answers = works.map(({ promise }) => requests.track(requests.begin(request("/")), promise, fail));
    expect(clock.pending).toBe(1);
    for (const { resolve } of works) resolve(new Response());
    await Promise.all(answers);
    await clock.advance(100);
    expect(clock.pending).toBe(0);
  });

  test("drops an answer that comes too late", async () => {
    const clock = new ManualClock();
    const requests = new RequestsInFlight(clock, 100);
    const work = Promise.withResolvers<Response>();
    const answer = requests.track(requests.begin(request("/")), work.promise, fail);
    await clock.advance(200);
    work.resolve(new Response("late"));
    expect((await answer)?.status).toBe(504);
  });
});
