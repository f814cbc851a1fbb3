import postgres from "postgres";
import { type Client, type Contender, POOL_MAX } from "../contender.ts";

type Options = postgres.Options<Record<string, never>>;

/** It sends up to a hundred statements on one connection before the first is answered. */
export const postgresJs: Contender = {
  name: "postgres.js",
  open: ({ url }) => client(postgres(url, { max: POOL_MAX })),
};

/** One statement at a time on each connection, as in deby. */
export const postgresJsUnpipelined: Contender = {
  name: "postgres.js max_pipeline: 0",
  // The driver's types do not know `max_pipeline`.
  open: ({ url }) => client(postgres(url, { max: POOL_MAX, max_pipeline: 0 } as Options)),
};

function client(sql: postgres.Sql): Client {
  return {
    readOne: (id) => sql`select id, name, price_cents, stock from product where id = ${id}`,
    readTen: (shelf) => sql`select id, name, price_cents, stock from product where shelf = ${shelf}`,
    insertOne: (productId) => sql`insert into sale (product_id, quantity) values (${productId}, ${1})`,
    close: () => sql.end(),
  };
}
