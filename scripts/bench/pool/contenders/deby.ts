import { Secret } from "../../../../src/config/secret.ts";
import { openDatabase } from "../../../../src/database/database.ts";
import { defaultSettings, targetAt } from "../../../../test/support/settings.ts";
import type { DatabaseAddress } from "../../bench-database.ts";
import type { Client, Contender } from "../contender.ts";

export const debyRead: Contender = { name: "deby read", open: openReading };
export const debyQuery: Contender = { name: "deby query", open: openWriting };

function open({ port, password }: DatabaseAddress) {
  return openDatabase(targetAt(port, { password: new Secret(password) }), defaultSettings);
}

function openReading(at: DatabaseAddress): Client {
  const db = open(at);
  return {
    readOne: (id) => db.read`select id, name, price_cents, stock from product where id = ${id}`,
    readTen: (shelf) => db.read`select id, name, price_cents, stock from product where shelf = ${shelf}`,
    close: () => db.close(),
  };
}

function openWriting(at: DatabaseAddress): Client {
  const db = open(at);
  return {
    readOne: (id) => db.query`select id, name, price_cents, stock from product where id = ${id}`,
    readTen: (shelf) => db.query`select id, name, price_cents, stock from product where shelf = ${shelf}`,
    insertOne: (productId) => db.query`insert into sale (product_id, quantity) values (${productId}, ${1})`,
    close: () => db.close(),
  };
}
