import { expect, test } from "bun:test";
import { chooseContainer } from "../../../../src/outage/targets/compose.ts";
import { type ContainerFacts, endpointOfContainer, requireLasting } from "../../../../src/outage/targets/container.ts";

const FACTS: ContainerFacts = {
  name: "db",
  labels: {},
  environment: { POSTGRES_PASSWORD: "secret", POSTGRES_USER: "shop" },
  isRunning: true,
  perishable: undefined,
  published: { host: "127.0.0.1", port: "5433" },
};

test("endpointOfContainer() reads what the official image is told", () => {
  const { password, ...endpoint } = endpointOfContainer(FACTS);
  expect(endpoint).toEqual({ host: "127.0.0.1", port: 5433, user: "shop", database: "shop" });
  expect(password.reveal()).toBe("secret");
  const environment = { ...FACTS.environment, POSTGRES_DB: "orders" };
  expect(endpointOfContainer({ ...FACTS, environment }).database).toBe("orders");
});

test.each<[Partial<ContainerFacts>, string]>([
  [{ isRunning: false }, "it does not run; start it with docker start db"],
  [{ published: undefined }, "it publishes no port 5432"],
  [{ published: { host: "127.0.0.1", port: "" } }, "its port is another one after every start"],
  [{ published: { host: "127.0.0.1", port: "0" } }, "its port is another one after every start"],
])("endpointOfContainer() refuses %j", (change, message) => {
  expect(() => endpointOfContainer({ ...FACTS, ...change })).toThrow(message);
});

test("requireLasting() refuses what a stop would take away for good", () => {
  requireLasting(FACTS);
  expect(() => requireLasting({ ...FACTS, perishable: "it was started with --rm" })).toThrow(
    "Refused, and the container db was not touched: it was started with --rm",
  );
});

const PROJECT = [
  { name: "shop-db-1", service: "db", image: "postgres:17" },
  { name: "shop-web-1", service: "web", image: "shop/web" },
];

test("chooseContainer() finds the one Postgres, or the named service", () => {
  expect(chooseContainer(PROJECT, { folder: "/shop", service: undefined }).name).toBe("shop-db-1");
  expect(chooseContainer(PROJECT, { folder: "/shop", service: "web" }).name).toBe("shop-web-1");
});

test("chooseContainer() guesses nothing", () => {
  const two = [...PROJECT, { name: "shop-log-1", service: "log", image: "postgis/postgis" }];
  expect(() => chooseContainer(two, { folder: "/shop", service: undefined })).toThrow("There are 2 containers");
  expect(() => chooseContainer(PROJECT, { folder: "/shop", service: "cache" })).toThrow(
    "There is no container of a service cache in the compose project of /shop (services: db, web)",
  );
  expect(() => chooseContainer([], { folder: "/shop", service: undefined })).toThrow("(services: none)");
});
