import { describe, expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { systemClock } from "../../../src/core/clock.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { type ExperimentSettings, runExperiment } from "../../../src/outage/experiment.ts";
import { computeFigures } from "../../../src/outage/figures.ts";
import type { Observations } from "../../../src/outage/observations.ts";
import type { Fault } from "../../../src/outage/scenario.ts";
import { type PostgresServer, startPostgres } from "../../support/postgres.ts";
import { type ServedDeby, startServe } from "../../support/serve.ts";
import { Observer } from "./observer.ts";

const SETTINGS: ExperimentSettings = {
  warmupMs: 1_000,
  // Nobody hears that a server is frozen: it takes seconds to find out.
  outageMs: 4_000,
  settleMs: 10_000,
  steadyForMs: 500,
  ratePerSecond: 50,
  writeShare: 0.5,
  requestTimeoutMs: 30_000,
};

const RUNS = 3;
/** What two observers may differ by, besides two intervals of their polling. */
const TOLERANCE_MS = 50;
const HEALTH_EVERY_MS = 20;
const DATABASE_EVERY_MS = 10;
const PROBE_LIMIT_MS = 500;

interface Fixture {
  readonly postgres: PostgresServer;
  readonly deby: ServedDeby;
  readonly observer: Observer;
}

interface Moments {
  injectedAt: number;
  healedAt: number;
}

const epochMs = (): number => performance.timeOrigin + performance.now();

/** One outage of a real server under load, and when harm and healing were begun by the calendar's clock. */
async function attack({ postgres, deby }: Fixture, fault: Pick<Fault, "inject" | "heal">) {
  const { host, port, user, database, password } = postgres;
  const { hostname, port: served } = new URL(deby.url);
  const moments: Moments = { injectedAt: 0, healedAt: 0 };
  const { signal } = new AbortController();
  const observations = await runExperiment(SETTINGS, {
    server: { host: hostname, port: Number(served) },
    database: { host, port, user, database, password: new Secret(password) },
    fault: {
      // A probe of a frozen server has failed only when its limit has passed.
      async contradiction() {
        return epochMs() - moments.injectedAt > PROBE_LIMIT_MS + 100 ? undefined : "too early to tell";
      },
      inject() {
        moments.injectedAt = epochMs();
        return fault.inject();
      },
      heal() {
        moments.healedAt = epochMs();
        return fault.heal();
      },
    },
    clock: systemClock,
    random: seededRandom(Math.floor(moments.injectedAt)),
    interruption: { signal, hurry: signal },
    progress: { phase() {} },
  });
  return { observations, figures: computeFigures(observations, SETTINGS), moments };
}

/** From the ledger alone, told apart from how the product does it: every success that four more successes follow. */
function recomputeTtr({ entries, moments: { healedAt = 0 } }: Observations): number {
  const answers = entries
    .filter(({ kind, endedAt = 0 }) => kind === "write" && endedAt > healedAt)
    .map(({ endedAt = 0, status = 0 }) => ({ endedAt, isGood: status >= 200 && status < 300 }))
    .toSorted((a, b) => a.endedAt - b.endedAt);
  const firsts = answers.filter((_, index) => {
    const five = answers.slice(index, index + 5);
    return five.length === 5 && five.every(({ isGood }) => isGood);
  });
  return Math.round(((firsts[0]?.endedAt ?? Number.NaN) - healedAt) * 10) / 10;
}

function observe(observer: Observer, { injectedAt, healedAt }: Moments) {
  const faultAt = observer.first("database", { since: injectedAt, isWell: false });
  return {
    ttdMs: Math.max(0, observer.first("health", { since: injectedAt, isWell: false }) - faultAt),
    dbReadyMs: observer.first("database", { since: healedAt, isWell: true }) - healedAt,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

describe("the figures of an outage of a real deby serve", () => {
  test.each([
    ["stopped", (postgres: PostgresServer) => ({ inject: () => postgres.stop("fast"), heal: () => postgres.start() })],
    ["frozen", (postgres: PostgresServer) => ({ inject: () => postgres.freeze(), heal: async () => postgres.thaw() })],
  ] as const)(
    "are those that the ledger has and an independent observer sees, when its server is %s",
    async (name, faultOf) => {
      await using postgres = await startPostgres();
      await using deby = await startServe(postgres, { args: ["--canary"] });
      await using observer = new Observer(`${deby.url}/api/health`, postgres.port);
      const differences = { ttdMs: [] as number[], dbReadyMs: [] as number[], looksMs: [] as number[] };
      for (let run = 1; run <= RUNS; run += 1) {
        const { observations, figures, moments } = await attack({ postgres, deby, observer }, faultOf(postgres));
        expect(figures.ttrMs).toBe(recomputeTtr(observations));
        const seen = observe(observer, moments);
        console.log(`${name} ${run}: deby ${JSON.stringify(figures)}, observer ${JSON.stringify(seen)}`);
        differences.ttdMs.push(Math.abs(Number(figures.ttdMs ?? Number.NaN) - seen.ttdMs));
        differences.dbReadyMs.push(Math.abs(Number(figures.dbReadyMs ?? Number.NaN) - seen.dbReadyMs));
        differences.looksMs.push(observer.tookMs("database", moments.healedAt));
      }
      expect(median(differences.ttdMs)).toBeLessThanOrEqual(TOLERANCE_MS + 2 * HEALTH_EVERY_MS);
      // Of two questions that wait at a server at the same time, one is answered after the other.
      const answerMs = median(differences.looksMs);
      expect(median(differences.dbReadyMs)).toBeLessThanOrEqual(TOLERANCE_MS + 2 * DATABASE_EVERY_MS + answerMs);
    },
    120_000,
  );
});
