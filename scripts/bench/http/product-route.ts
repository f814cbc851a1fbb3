import { type Elysia, t } from "elysia";

/** The route under test on Elysia, whatever finds the product. */
export function addProductRoute(app: Elysia, find: (id: number) => PromiseLike<readonly unknown[]>): Elysia {
  app.get(
    "/products/:id",
    async ({ params: { id }, status }) => {
      const [product] = await find(id);
      return product ?? status(404, { message: `There is no product ${id}` });
    },
    { params: t.Object({ id: t.Integer() }) },
  );
  return app;
}
