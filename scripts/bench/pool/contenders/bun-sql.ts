import { SQL } from "bun";
import { type Contender, POOL_MAX } from "../contender.ts";

export const bunSql: Contender = {
  name: "Bun.sql",
  open: ({ url }) => {
    const sql = new SQL({ url, max: POOL_MAX });
    return {
      readOne: (id) => sql`select id, name, price_cents, stock from product where id = ${id}`,
      readTen: (shelf) => sql`select id, name, price_cents, stock from product where shelf = ${shelf}`,
      insertOne: (productId) => sql`insert into sale (product_id, quantity) values (${productId}, ${1})`,
      close: () => sql.close(),
    };
  },
};
