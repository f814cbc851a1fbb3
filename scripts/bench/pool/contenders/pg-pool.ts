import { type Contender, POOL_MAX } from "../contender.ts";

const READ_ONE = "select id, name, price_cents, stock from product where id = $1";
const READ_TEN = "select id, name, price_cents, stock from product where shelf = $1";
const INSERT_ONE = "insert into sale (product_id, quantity) values ($1, $2)";

export const pgPool: Contender = {
  name: "pg Pool",
  open: async ({ url }) => {
    // Not at the top: whoever lists the contenders need not have installed it yet.
    const { Pool } = await import("pg");
    const pool = new Pool({ connectionString: url, max: POOL_MAX });
    return {
      readOne: async (id) => (await pool.query(READ_ONE, [id])).rows,
      readTen: async (shelf) => (await pool.query(READ_TEN, [shelf])).rows,
      insertOne: (productId) => pool.query(INSERT_ONE, [productId, 1]),
      close: () => pool.end(),
    };
  },
};
