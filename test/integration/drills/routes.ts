// The route of the drills: `deby serve --routes` loads this file.

import type { RouteContext } from "deby/elysia";
import { t } from "elysia";

const Row = t.Object({ id: t.String({ format: "uuid" }), writtenAt: t.String() });

type Row = typeof Row.static;

export default ({ app, idempotent }: RouteContext) =>
  app.put(
    "/drills/:id",
    (context) =>
      idempotent(
        context,
        async (tx) => {
          const { params, status } = context;
          // The table takes the same id twice: were the work done twice, it would be seen.
          const [row] = await tx.query<Row>`
            insert into drill_row (id) values (${params.id}) returning id::text as id, written_at::text as "writtenAt"`;
          return status(201, row as Row);
        },
        { isRequired: true },
      ),
    { params: t.Object({ id: t.String({ format: "uuid" }) }), headers: idempotent.headers, response: { 201: Row } },
  );
