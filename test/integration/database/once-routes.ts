// The route of the crowd's tests: `deby serve --routes` loads this file.

import type { RouteContext } from "deby/elysia";
import { t } from "elysia";

const Sale = t.Object({ id: t.Integer(), item: t.String(), pid: t.Integer() });

export default ({ app, idempotent }: RouteContext) =>
  app.post(
    "/sales",
    (context) =>
      idempotent(
        context,
        async (tx) => {
          const {
            body: { item, ms },
            status,
          } = context;
          // Which run it was: each has another id, whether it is committed or not.
          const [sale] = await tx.query<typeof Sale.static>`
            insert into sale (item) select ${item} from pg_sleep(${ms / 1000})
            returning id, item, pg_backend_pid() as pid`;
          return status(201, sale as typeof Sale.static);
        },
        { isRequired: true },
      ),
    {
      headers: idempotent.headers,
      body: t.Object({ item: t.String(), ms: t.Integer({ minimum: 0 }) }),
      response: { 201: Sale },
    },
  );
