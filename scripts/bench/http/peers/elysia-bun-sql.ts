/** Elysia with Bun.sql, under Bun. */

import { SQL } from "bun";
import { Elysia } from "elysia";
import { addProductRoute } from "../product-route.ts";

const { DATABASE_URL = "", PORT } = process.env;
const sql = new SQL({ url: DATABASE_URL, max: 20 });

addProductRoute(new Elysia(), (id) => sql`select id, name, price_cents, stock from product where id = ${id}`).listen({
  hostname: "127.0.0.1",
  port: Number(PORT),
});
