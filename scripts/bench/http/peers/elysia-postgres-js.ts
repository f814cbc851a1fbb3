/** Elysia with bare postgres.js, under Bun. */

import { Elysia } from "elysia";
import postgres from "postgres";
import { addProductRoute } from "../product-route.ts";

const { DATABASE_URL = "", PORT } = process.env;
const sql = postgres(DATABASE_URL, { max: 20 });

addProductRoute(new Elysia(), (id) => sql`select id, name, price_cents, stock from product where id = ${id}`).listen({
  hostname: "127.0.0.1",
  port: Number(PORT),
});
