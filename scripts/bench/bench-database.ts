import { type PostgresServer, startPostgres } from "../../test/support/postgres.ts";

/** Where a contender finds the database. */
export type DatabaseAddress = Pick<PostgresServer, "host" | "port" | "database" | "user" | "password" | "url">;

export const PRODUCTS = 10_000;
export const PRODUCTS_PER_SHELF = 10;

const TABLES = `
  create table product (
    id integer primary key,
    name text not null,
    price_cents integer not null,
    stock integer not null,
    shelf integer not null
  );
  insert into product (id, name, price_cents, stock, shelf)
    select n, 'Product ' || n, 100 + n, n % 50, (n - 1) / ${PRODUCTS_PER_SHELF} from generate_series(1, ${PRODUCTS}) n;
  create index product_shelf on product (shelf);
  create table sale (
    id bigint generated always as identity primary key,
    product_id integer not null,
    quantity integer not null
  )`;

/**
 * A Postgres 15 of the bench's own, on loopback, with its tables filled and analysed. Its files are in memory and
 * nothing is flushed: what is measured are clients, not a disk.
 */
export async function startBenchDatabase(): Promise<PostgresServer> {
  const settings = { max_connections: "200", shared_buffers: "128MB", autovacuum: "off" };
  const server = await startPostgres({ version: 15, settings });
  try {
    await server.psql(TABLES);
    await server.psql("vacuum analyze");
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
