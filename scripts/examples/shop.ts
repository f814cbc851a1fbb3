// A small shop: deby serve --embedded --routes scripts/examples/shop.ts, then look at /swagger.

import type { Database } from "deby";
import type { RouteContext } from "deby/elysia";
import { t } from "elysia";

const Id = t.Integer({ minimum: 1, maximum: 2_147_483_647 });
const Product = t.Object({ id: t.Integer(), name: t.String(), priceCents: t.Integer(), stock: t.Integer() });
const NewProduct = t.Object({
  name: t.String({ minLength: 1 }),
  priceCents: t.Integer({ minimum: 0, maximum: 1_000_000 }),
  stock: t.Integer({ minimum: 0, maximum: 1_000_000 }),
});
const Order = t.Object({ id: t.Integer(), productId: t.Integer(), quantity: t.Integer(), totalCents: t.Integer() });
const NewOrder = t.Object({ productId: Id, quantity: t.Integer({ minimum: 1, maximum: 1_000 }) });
const Complaint = t.Object({ message: t.String() });

/** These transactions touch nothing but the database: where one is known to be undone, it may run again. */
const REPEATABLE = { retryable: true };

type Product = typeof Product.static;
type Order = typeof Order.static;

export default ({ app, db, idempotent }: RouteContext) => {
  let areTablesThere = false;

  return (
    app
      // Not at the start: the database may be down then, and the server comes up all the same.
      .onBeforeHandle(async () => {
        if (areTablesThere) return;
        await createTables(db);
        areTablesThere = true;
      })
      .get(
        "/products",
        () =>
          db.read<Product>`select id, name, price_cents as "priceCents", stock from shop_product order by id limit 100`,
        { response: t.Array(Product), detail: { summary: "The first hundred products" } },
      )
      .get(
        "/products/:id",
        async ({ params: { id }, status }) => {
          const [product] = await db.read<Product>`
            select id, name, price_cents as "priceCents", stock from shop_product where id = ${id}`;
          return product ?? status(404, { message: `There is no product ${id}` });
        },
        {
          params: t.Object({ id: Id }),
          response: { 200: Product, 404: Complaint },
          detail: { summary: "One product" },
        },
      )
      .post(
        "/products",
        async ({ body: { name, priceCents, stock }, status }) => {
          const product = await db.transaction(async (tx) => {
            const [created] = await tx.query<Product>`
              insert into shop_product (name, price_cents, stock) values (${name}, ${priceCents}, ${stock})
              returning id, name, price_cents as "priceCents", stock`;
            return created as Product;
          }, REPEATABLE);
          return status(201, product);
        },
        { body: NewProduct, response: { 201: Product }, detail: { summary: "Adds a product" } },
      )
      .get(
        "/orders/:id",
        async ({ params: { id }, status }) => {
          const [order] = await db.read<Order>`
            select id, product_id as "productId", quantity, total_cents as "totalCents" from shop_order where id = ${id}`;
          return order ?? status(404, { message: `There is no order ${id}` });
        },
        { params: t.Object({ id: Id }), response: { 200: Order, 404: Complaint }, detail: { summary: "One order" } },
      )
      .post(
        "/orders",
        (context) =>
          idempotent(context, async (tx) => {
            const {
              body: { productId, quantity },
              status,
            } = context;
            // The lock makes two orders for the last piece take turns.
            const [product] = await tx.query<{ priceCents: number; stock: number }>`
            select price_cents as "priceCents", stock from shop_product where id = ${productId} for update`;
            if (product === undefined) return status(404, { message: `There is no product ${productId}` });
            if (product.stock < quantity) return status(409, { message: `Only ${product.stock} left` });
            await tx.query`update shop_product set stock = stock - ${quantity} where id = ${productId}`;
            const [order] = await tx.query<Order>`
            insert into shop_order (product_id, quantity, total_cents)
            values (${productId}, ${quantity}, ${product.priceCents * quantity})
            returning id, product_id as "productId", quantity, total_cents as "totalCents"`;
            return status(201, order as Order);
          }),
        {
          headers: idempotent.headers,
          body: NewOrder,
          response: { 201: Order, 404: Complaint, 409: Complaint },
          detail: { summary: "Orders a product" },
        },
      )
  );
};

async function createTables(db: Database): Promise<void> {
  await db.transaction(async (tx) => {
    // Two servers that start at once would both create them; the lock lets one wait for the other.
    await tx.query`select pg_advisory_xact_lock(7467)`;
    await tx.query`
      create table if not exists shop_product (
        id integer generated always as identity primary key,
        name text not null,
        price_cents integer not null,
        stock integer not null check (stock >= 0)
      )`;
    await tx.query`
      create table if not exists shop_order (
        id integer generated always as identity primary key,
        product_id integer not null references shop_product (id),
        quantity integer not null check (quantity > 0),
        total_cents integer not null,
        ordered_at timestamptz not null default now()
      )`;
  }, REPEATABLE);
}
