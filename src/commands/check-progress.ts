import type { Check, CheckResult } from "../diagnostics/check.ts";
import type { CommandIo } from "./io.ts";

/** What is under way, on stderr. */
export interface Progress {
  /** A check begins. */
  step(check: Pick<Check, "title">): void;
  /** Something is still in the way of what is waited for. */
  waiting(obstacle: Pick<CheckResult, "id" | "evidence">): void;
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
    waiting({ id, evidence }) {
      const [obstacle = ""] = evidence.split("\n");
      const text = `Waiting for the database: ${id}: ${obstacle}`;
      if (isLive) {
        isShown = true;
        show(text);
      } else if (text !== lastObstacle) stderr.write(`${text}\n`);
      lastObstacle = text;
    },
    clear() {
      if (isShown) show("");
      isShown = false;
    },
  };
}
