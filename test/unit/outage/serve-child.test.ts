import { expect, test } from "bun:test";
import { Secret } from "../../../src/config/secret.ts";
import { serveEnvironment } from "../../../src/outage/serve-child.ts";

const ENDPOINT = {
  host: "127.0.0.1",
  port: 40_123,
  user: "postgres",
  password: new Secret("p@ss/w?rd"),
  database: "deby_outage",
};

test("serveEnvironment() names the target and no other database", () => {
  const env = serveEnvironment(
    {
      PATH: "/bin",
      PGHOST: "production",
      PGPASSWORD: "x",
      POSTGRES_HOST: "production",
      DATABASE_URL: "postgres://production/db",
      DATABASE_URL_FILE: "/secret",
      DEBY_ADMIN_TOKEN: "token",
      DEBY_METRICS_TOKEN_FILE: "/token",
      DEBY_ROUTES: "routes.ts",
      DEBY_PORT: "5000",
      PORT: "5000",
      DEBY_POOL_MAX: "5",
      DEBY_REQUEST_TIMEOUT: "10s",
      UNSET: undefined,
    },
    ENDPOINT,
  );
  expect(env).toEqual({
    PATH: "/bin",
    DEBY_POOL_MAX: "5",
    DEBY_REQUEST_TIMEOUT: "10s",
    DATABASE_URL: "postgres://postgres:p%40ss%2Fw%3Frd@127.0.0.1:40123/deby_outage?sslmode=disable",
  });
});
