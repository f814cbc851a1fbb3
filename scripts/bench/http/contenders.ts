import { join } from "node:path";
import { startServe } from "../../../test/support/serve.ts";
import type { Contender } from "./contender.ts";
import { startPeer } from "./peer.ts";

const PEERS = join(import.meta.dir, "peers");

export const deby: Contender = {
  name: "deby serve",
  start: async (server) => {
    const served = await startServe(server, { args: ["--routes", join(PEERS, "deby-routes.ts")] });
    return {
      name: deby.name,
      url: served.url,
      pid: served.process.pid,
      [Symbol.asyncDispose]: () => served[Symbol.asyncDispose](),
    };
  },
};

export const CONTENDERS: readonly Contender[] = [
  deby,
  peer("Elysia + postgres.js", ["bun", "elysia-postgres-js.ts"]),
  peer("Elysia + Bun.sql", ["bun", "elysia-bun-sql.ts"]),
  peer("Fastify + pg (Node)", ["node", "fastify-pg.mjs"]),
  peer("Express + Sequelize (Node)", ["node", "express-sequelize.mjs"]),
];

function peer(name: string, [runtime, file]: readonly [runtime: "bun" | "node", file: string]): Contender {
  const command = [runtime === "bun" ? process.execPath : runtime, join(PEERS, file)];
  return { name, start: (server) => startPeer(name, command, server) };
}
