import type { PostgresType } from "postgres";
import { parse } from "postgres-array";

/**
 * Arrays of the built-in types. The driver would learn of them by a query on every new connection (`fetch_types`),
 * which costs a round trip and has crashed when that query was reset; their numbers are fixed in the server's catalogue.
 * Source: pg_type.dat.
 */
const asText = (text: string): string => text;
const asNumber = (text: string): number => Number(text);
const asDate = (text: string): Date => new Date(text);
const asBoolean = (text: string): boolean => text === "t";
const asJson = (text: string): unknown => JSON.parse(text);

const ARRAYS: Record<string, readonly [oid: number, parseItem: (text: string) => unknown]> = {
  bool: [1000, asBoolean],
  int2: [1005, asNumber],
  int4: [1007, asNumber],
  int8: [1016, asText],
  float4: [1021, asNumber],
  float8: [1022, asNumber],
  numeric: [1231, asText],
  text: [1009, asText],
  varchar: [1015, asText],
  name: [1003, asText],
  uuid: [2951, asText],
  date: [1182, asDate],
  timestamp: [1115, asDate],
  timestamptz: [1185, asDate],
  json: [199, asJson],
  jsonb: [3807, asJson],
};

export const arrayTypes: Record<string, PostgresType> = Object.fromEntries(
  Object.entries(ARRAYS).map(([name, [oid, parseItem]]) => [
    `${name}[]`,
    {
      to: oid,
      from: [oid],
      parse: (text: string) => parse(text, parseItem),
      serialize: (items: readonly unknown[]) => serializeArray(items, name.startsWith("json")),
    },
  ]),
);

/** `{1,NULL,"a \"b\""}`; an array inside an array is one more dimension, unless the items are JSON. */
function serializeArray(items: readonly unknown[], isJson = false): string {
  return `{${items.map((item) => serializeItem(item, isJson)).join(",")}}`;
}

function serializeItem(item: unknown, isJson: boolean): string {
  if (item === null || item === undefined) return "NULL";
  if (isJson) return quote(JSON.stringify(item));
  if (Array.isArray(item)) return serializeArray(item);
  return quote(item instanceof Date ? item.toISOString() : String(item));
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
