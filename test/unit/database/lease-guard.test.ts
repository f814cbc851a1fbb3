import { describe, expect, test } from "bun:test";
import type { LeaseWarning } from "../../../src/database/events.ts";
import { describeHolder, LeaseGuard } from "../../../src/database/lease-guard.ts";
import type { PooledConnection } from "../../../src/database/pool-types.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function setUp(leaseWarningMs: number) {
  const clock = new ManualClock();
  const connection = { leasedAt: 0, holder: ["select ", " from t"] } as unknown as PooledConnection;
  const warnings: LeaseWarning[] = [];
  const onWarning = (warning: LeaseWarning) => void warnings.push(warning);
  const guard = new LeaseGuard({ clock, leaseWarningMs, leased: () => [connection], onWarning });
  return { clock, connection, warnings, guard };
}

describe("the lease guard", () => {
  test("tells once of a lease that lasts too long, and again of the next one", async () => {
    const { clock, connection, warnings, guard } = setUp(1000);
    await clock.advance(900);
    guard.tidy();
    expect(warnings).toEqual([]);
    await clock.advance(600);
    guard.tidy();
    guard.tidy();
    expect(warnings).toEqual([{ heldMs: 1500, where: "select $1 from t" }]);
    connection.leasedAt = 1500;
    await clock.advance(1000);
    guard.tidy();
    expect(warnings.length).toBe(2);
  });

  test("says nothing when it is off", async () => {
    const { clock, warnings, guard } = setUp(Number.POSITIVE_INFINITY);
    await clock.advance(1_000_000);
    guard.tidy();
    expect(warnings).toEqual([]);
  });
});

describe("the holder of a lease", () => {
  test("is the statement's text without its values, on one line and not endless", () => {
    expect(describeHolder(["select *\n   from t where id = ", " and a = ", ""])).toBe(
      "select * from t where id = $1 and a = $2",
    );
    expect(describeHolder([`select '${"x".repeat(500)}'`])).toHaveLength(201);
  });

  test("is the program's own frame for a transaction", () => {
    expect(describeHolder(new Error("here"))).toContain("lease-guard.test.ts");
  });
});
