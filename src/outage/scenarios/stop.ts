import type { Scenario } from "../scenario.ts";

/** An orderly stop, as an administrator or an update does it: every session is told, then the port refuses. */
export const stop: Scenario = {
  name: "stop",
  summary: "the server is shut down in an orderly way, and started again",
  slos: ["ttd<3s", "appLag<2s", "lost==0", "duplicate==0", "hung==0"],
  bind({ server }) {
    if (server === undefined) return undefined;
    return {
      inject: () => server.stop(),
      async contradiction(probe) {
        if (await server.isRunning()) return "the server still runs";
        return probe === "refused"
          ? undefined
          : `its port does not refuse connections (last probe: ${probe ?? "none"})`;
      },
      heal: () => server.start(),
    };
  },
};
