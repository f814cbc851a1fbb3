/**
 * The first thing that a client says: length, protocol 3.0, and the pairs that every session needs, each ended by a
 * zero byte. Source: PostgreSQL, Frontend/Backend Protocol, Message Formats.
 */
export function startupMessage(user: string, database: string): Buffer {
  const pairs = ["user", user, "database", database, "application_name", "deby-outage"];
  const body = Buffer.from(`${pairs.join("\0")}\0\0`, "utf8");
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, body]);
}
