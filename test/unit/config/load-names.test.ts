import { expect, test } from "bun:test";
import { loadWith, refusalOf } from "./load-with.ts";

test("loadConfig() refuses an unknown DEBY_ name and tells what was probably meant", () => {
  expect(refusalOf({ env: { DEBY_POL_MAX: "3" } })).toBe(
    "DEBY_POL_MAX in the environment is not a setting of deby; did you mean DEBY_POOL_MAX?",
  );
  expect(refusalOf({ envFile: "DEBY_FROBNICATE=3" })).toBe("DEBY_FROBNICATE in .env is not a setting of deby");
});

test("loadConfig() points from DEBY_DB_ names to the variables that name the database", () => {
  expect(refusalOf({ env: { DEBY_DB_URL: "x" } })).toEndWith("; use DATABASE_URL");
  expect(refusalOf({ env: { DEBY_DB_HOST: "x" } })).toEndWith("; use PGHOST");
});

test("loadConfig() refuses settings whose feature does not exist yet", () => {
  expect(refusalOf({ env: { DEBY_DNS: "10.0.0.1" } })).toStartWith("DEBY_DNS in the environment is not");
});

test("loadConfig() ignores with one warning what Kubernetes injects for services named deby and postgres", () => {
  const { config, warnings } = loadWith({
    env: {
      DEBY_SERVICE_HOST: "10.0.0.1",
      DEBY_SERVICE_PORT: "80",
      DEBY_PORT: "tcp://10.0.0.1:80",
      DEBY_PORT_80_TCP_ADDR: "10.0.0.1",
      POSTGRES_PORT: "tcp://10.0.0.2:5432",
      PORT: "7000",
    },
  });
  expect(config.serve.port).toBe(7000);
  expect(config.database.hosts).toEqual([{ host: "localhost", port: 5432 }]);
  expect(warnings).toEqual([
    "Ignored what Kubernetes injects for services: DEBY_PORT, DEBY_PORT_80_TCP_ADDR, DEBY_SERVICE_HOST, DEBY_SERVICE_PORT, POSTGRES_PORT",
  ]);
});

test("loadConfig() warns about variables of libpq that it would otherwise silently not heed", () => {
  expect(loadWith({ env: { PGSERVICE: "prod" } }).warnings).toEqual([
    "PGSERVICE is set, but deby does not know it and ignores it",
  ]);
});
