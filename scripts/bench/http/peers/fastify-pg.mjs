/** Fastify with pg's Pool, under Node. */

import fastify from "fastify";
import { Pool } from "pg";

const { DATABASE_URL, PORT } = process.env;
const pool = new Pool({ connectionString: DATABASE_URL, max: 20 });
const schema = { params: { type: "object", properties: { id: { type: "integer" } } } };

const app = fastify();
app.get("/products/:id", { schema }, async (request, reply) => {
  const { id } = request.params;
  const { rows } = await pool.query("select id, name, price_cents, stock from product where id = $1", [id]);
  return rows[0] ?? reply.code(404).send({ message: `There is no product ${id}` });
});
await app.listen({ host: "127.0.0.1", port: Number(PORT) });
