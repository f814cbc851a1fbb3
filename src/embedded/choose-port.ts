import { createServer } from "node:net";
import type { Random } from "../core/random.ts";

const FIRST = 15_000;
const COUNT = 17_000;
const ATTEMPTS = 100;

/**
 * A free TCP port of the loopback address, below those that systems hand out for outgoing connections (from 32768):
 * while a server is away, any client could be given one of these.
 */
export async function choosePort(host: string, random: Random): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(random() * COUNT);
    if (await isFree(host, port)) return port;
  }
  throw new Error(`Cannot find a free port on ${host} in ${ATTEMPTS} attempts`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
