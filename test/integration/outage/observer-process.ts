import { connect } from "node:net";
import { startupMessage } from "../../support/startup-message.ts";

/**
 * A process of its own that watches a server's health and a database, and shares no code with the product. Writes a
 * line for each look: what, when it began, when it ended, what it found; times in milliseconds since the epoch.
 */
const [healthUrl = "", port = ""] = process.argv.slice(2);
const HEALTH_EVERY_MS = 20;
const DATABASE_EVERY_MS = 10;
const DATABASE_LIMIT_MS = 500;
/**
 * A frozen server answers them all when it is thawed, one after the other: many would keep it from serving. One more than
 * those that are usually under way when it freezes, so that one begins at once that counts.
 */
const MOST_AT_ONCE = 3;

const now = (): number => performance.timeOrigin + performance.now();

const underWay = { health: 0, database: 0 };

async function look(what: "health" | "database", ask: () => Promise<string>): Promise<void> {
  if (underWay[what] >= MOST_AT_ONCE) return;
  underWay[what] += 1;
  const startedAt = now();
  const found = await ask();
  underWay[what] -= 1;
  process.stdout.write(`${what} ${startedAt.toFixed(2)} ${now().toFixed(2)} ${found}\n`);
}

async function askHealth(): Promise<string> {
  const body = await fetch(healthUrl)
    .then((response) => response.text())
    .catch(() => "");
  return body.includes('"status":"ok"') ? "yes" : "no";
}

function askDatabase(): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port: Number(port), noDelay: true });
    const finish = (found: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(found);
    };
    const timer = setTimeout(finish, DATABASE_LIMIT_MS, "no");
    socket.on("connect", () => socket.write(startupMessage({ user: "postgres", database: "postgres" })));
    socket.on("data", (bytes) => finish(bytes[0] === "R".charCodeAt(0) ? "yes" : "no"));
    socket.on("error", () => finish("no"));
    socket.on("close", () => finish("no"));
  });
}

setInterval(() => void look("health", askHealth), HEALTH_EVERY_MS);
setInterval(() => void look("database", askDatabase), DATABASE_EVERY_MS);
