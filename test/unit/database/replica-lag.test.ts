import { expect, test } from "bun:test";
import { ReplicaLag } from "../../../src/database/replica-lag.ts";

test("the lag is the age of the newest moment of the primary that the standby has replayed", () => {
  const lag = new ReplicaLag();
  expect(lag.lagMs(0)).toBe(Number.POSITIVE_INFINITY);
  lag.notePrimary(1000, 50n);
  lag.noteStandby(40n);
  expect(lag.lagMs(1100)).toBe(Number.POSITIVE_INFINITY);
  lag.notePrimary(2000, 60n);
  lag.notePrimary(3000, 70n);
  lag.noteStandby(65n);
  expect(lag.lagMs(3100)).toBe(1100);
  // It stands still: its data grows old.
  lag.noteStandby(65n);
  expect(lag.lagMs(9000)).toBe(7000);
  lag.noteStandby(70n);
  expect(lag.lagMs(9000)).toBe(6000);
});

test("an idle primary makes no standby look late", () => {
  const lag = new ReplicaLag();
  for (let at = 0; at <= 5000; at += 1000) {
    lag.notePrimary(at, 50n);
    lag.noteStandby(50n);
    expect(lag.lagMs(at + 100)).toBe(100);
  }
});

test("a standby that stands still for long is remembered as it was, and found again when it moves", () => {
  const lag = new ReplicaLag();
  lag.notePrimary(0, 1n);
  lag.noteStandby(1n);
  for (let at = 1000; at <= 500_000; at += 1000) lag.notePrimary(at, BigInt(at));
  lag.noteStandby(1n);
  expect(lag.lagMs(500_000)).toBe(500_000);
  lag.noteStandby(500_000n);
  expect(lag.lagMs(500_100)).toBe(100);
});

test("what is known of one server is not said of another", () => {
  const lag = new ReplicaLag();
  lag.between("p", "a");
  lag.notePrimary(0, 1n);
  lag.noteStandby(1n);
  lag.between("p", "a");
  expect(lag.lagMs(10)).toBe(10);
  lag.between("p", "b");
  expect(lag.lagMs(10)).toBe(Number.POSITIVE_INFINITY);
});

test("a standby that is constantly late is known to be so late, however long that lasts", () => {
  const lag = new ReplicaLag();
  for (let at = 0; at <= 600_000; at += 250) {
    lag.notePrimary(at, BigInt(at));
    lag.noteStandby(BigInt(at - 40_000));
  }
  expect(lag.lagMs(600_000)).toBeGreaterThanOrEqual(40_000);
  expect(lag.lagMs(600_000)).toBeLessThan(45_000);
});

test("the positions of a standby that went on by itself say nothing, even when the primary has overtaken it", () => {
  const lag = new ReplicaLag();
  lag.between("b", "c");
  lag.part();
  for (let at = 0; at <= 5000; at += 1000) {
    lag.notePrimary(at, 900n);
    lag.noteStandby(5000n);
    expect(lag.lagMs(at)).toBe(Number.POSITIVE_INFINITY);
  }
  // It was started anew, from the primary.
  lag.between("b", "c, later");
  lag.notePrimary(6000, 9000n);
  lag.noteStandby(9000n);
  expect(lag.lagMs(6100)).toBe(100);
});

test("what was forgotten is measured anew", () => {
  const lag = new ReplicaLag();
  lag.notePrimary(0, 1n);
  lag.noteStandby(1n);
  lag.forget();
  expect(lag.lagMs(10)).toBe(Number.POSITIVE_INFINITY);
  lag.notePrimary(20, 2n);
  lag.noteStandby(2n);
  expect(lag.lagMs(30)).toBe(10);
});
