import type { Scenario } from "../scenario.ts";
import { HICCUP } from "./objectives.ts";

/** Everybody but whoever asks, on the database that is asked in. */
const OTHERS = "datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'";

/** What an administrator does who makes room, or a failover that goes well: all sessions end, and new ones are let in. */
export const terminateBackends: Scenario = {
  name: "terminate-backends",
  summary: "every session is ended by pg_terminate_backend; new ones are let in at once",
  slos: HICCUP,
  needs: ["sql"],
  expectsNoOutage: true,
  outageMs: 0,
  bind({ sql }) {
    if (sql === undefined) return undefined;
    let ended: readonly string[] = [];
    return {
      offersSessions: true,
      provenBy: "session",
      async inject() {
        // Chosen first: the order in which conditions are looked at is the server's own.
        const others = `with others as materialized (select pid from pg_stat_activity where ${OTHERS})`;
        const answer = await sql(`${others} select pid from others where pg_terminate_backend(pid)`);
        ended = answer.split("\n").filter((pid) => pid !== "");
      },
      async contradiction() {
        if (ended.length === 0) return "there was no session to end";
        const left = await sql(`select count(*) from pg_stat_activity where pid in (${ended.join(", ")})`);
        return left === "0" ? undefined : `${left} of ${ended.length} sessions have not ended`;
      },
      heal: async () => {},
    };
  },
};
