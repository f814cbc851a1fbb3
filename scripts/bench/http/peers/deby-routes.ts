/** For `deby serve --routes`. */

import type { RouteContext } from "deby/elysia";
import { addProductRoute } from "../product-route.ts";

export default ({ app, db }: RouteContext) =>
  addProductRoute(app, (id) => db.read`select id, name, price_cents, stock from product where id = ${id}`);
