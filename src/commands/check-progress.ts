import type { Check, CheckResult } from "../diagnostics/check.ts";
import { harmless } from "../reports/check-text.ts";
import type { CommandIo } from "./io.ts";

/** What is under way, on stderr. */
export interface Progress {
  /** A check begins. */
  step(check: Pick<Check, "title">): void;
  /** Something is still in the way of what has been waited for so long. */
  waiting(obstacle: Pick<CheckResult, "id" | "evidence">, waitedMs: number): void;
  clear(): void;
}

/**
 * One line on a terminal, gone before anything else is written. Elsewhere only what is waited for is told, each
 * obstacle once, as a container's log wants it.
 */
export function progressOn({ stderr, env }: Pick<CommandIo, "stderr" | "env">): Progress {
  const isLive = stderr.isTTY === true && env["TERM"] !== "dumb";
  const columns = stderr.columns || 80;
  const show = (text: string) => isLive && stderr.write(`\r\u001B[K${text.slice(0, columns - 1)}`);
  let isShown = false;
  let lastObstacle = "";
  return {
    step({ title }) {
      isShown = true;
      show(`  … ${title}`);
    },
    waiting({ id, evidence }, waitedMs) {
      const [line = ""] = evidence.split("\n");
      const obstacle = `${id}: ${harmless(line)}`;
      if (isLive) {
        isShown = true;
        show(`Waiting for the database, ${Math.floor(waitedMs / 1000)} s: ${obstacle}`);
      } else if (obstacle !== lastObstacle) stderr.write(`Waiting for the database: ${obstacle}\n`);
      lastObstacle = obstacle;
    },
    clear() {
      if (isShown) show("");
      isShown = false;
    },
  };
}
