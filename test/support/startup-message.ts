/** Length, protocol 3.0, then name and value pairs, each ended by a zero, and one zero more. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Buffer.from(`${Object.entries(parameters).flat().join("\0")}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + pairs.length, 0);
  head.writeInt32BE(3 << 16, 4);
  return Buffer.concat([head, pairs]);
}
