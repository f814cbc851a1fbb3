import { Secret } from "../../../../src/config/secret.ts";
import { type Database, openDatabase } from "../../../../src/database/database.ts";
import type { Transaction } from "../../../../src/database/statement.ts";
import { defaultSettings, targetAt } from "../../../../test/support/settings.ts";
import type { DatabaseAddress } from "../../bench-database.ts";
import type { Client, Contender } from "../contender.ts";

export const debyRead: Contender = { name: "deby read", open: openReading };
export const debyQuery: Contender = { name: "deby query", open: openWriting };
/** The same insert in a transaction, and in one with a key. */
export const debyTransaction: Contender = {
  name: "deby transaction",
  open: (at) => insertingBy(at, (db, work) => db.transaction(work)),
};
export const debyOnce: Contender = {
  name: "deby once",
  open: (at) => insertingBy(at, (db, work) => db.once(Bun.randomUUIDv7(), work)),
};

function open({ port, password }: DatabaseAddress) {
  return openDatabase(targetAt(port, { password: new Secret(password) }), defaultSettings);
}

function openReading(at: DatabaseAddress): Client {
  const db = open(at);
  return { ...readsOf(db), close: () => db.close() };
}

function readsOf(db: Database): Pick<Client, "readOne" | "readTen"> {
  return {
    readOne: (id) => db.read`select id, name, price_cents, stock from product where id = ${id}`,
    readTen: (shelf) => db.read`select id, name, price_cents, stock from product where shelf = ${shelf}`,
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

type Write = (db: Database, work: (tx: Transaction) => Promise<void>) => Promise<void>;

function insertingBy(at: DatabaseAddress, write: Write): Client {
  const db = open(at);
  return {
    ...readsOf(db),
    onlyInserts: true,
    insertOne: (productId) =>
      write(db, async (tx) => {
        await tx.query`insert into sale (product_id, quantity) values (${productId}, ${1})`;
      }),
    close: () => db.close(),
  };
}
