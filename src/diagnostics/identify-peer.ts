const SHOWN_BYTES = 16;
const SHOWN_CHARACTERS = 60;

/** Programs by what they say first, the more particular ones before. */
const KNOWN: readonly { readonly sign: RegExp; readonly name: string }[] = [
  { sign: /^SSH-/, name: "an SSH server" },
  { sign: /^HTTP\/\d/, name: "an HTTP server" },
  { sign: /^<(?:!doctype|html)/i, name: "an HTTP server" },
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an alert of TLS
  { sign: /^\x15\x03[\x00-\x04]/, name: "a server that speaks TLS from the first byte, such as HTTPS" },
  // biome-ignore lint/suspicious/noControlCharactersInRegex: length, number and protocol version of MySQL's greeting
  { sign: /^[\x00-\xff]{3}\x00(?:\x0a|\xff)/, name: "a MySQL or MariaDB server" },
  { sign: /^220[ -].*(?:SMTP|mail)/i, name: "a mail server" },
  { sign: /^220[ -]/, name: "an FTP or mail server" },
  { sign: /^(?:\* OK|\+OK)/, name: "a mail server" },
  { sign: /^-(?:ERR|NOAUTH|DENIED)/, name: "a Redis server" },
  { sign: /^RFB \d/, name: "a VNC server" },
  { sign: /^AMQP/, name: "an AMQP server" },
];

/** What a peer that is no PostgreSQL seems to be, with its own words where they can be read. */
export function identifyPeer(heard: Buffer): string {
  const text = heard.toString("latin1");
  const known = KNOWN.find(({ sign }) => sign.test(text));
  const words = wordsOf(text);
  if (known !== undefined) return words === "" ? known.name : `${known.name} (${words})`;
  if (words !== "") return `something that says "${words}"`;
  const bytes = heard.subarray(0, SHOWN_BYTES).toString("hex").match(/../g)?.join(" ") ?? "";
  return `something that sends ${bytes}${heard.length > SHOWN_BYTES ? " …" : ""}`;
}

/** The name that a server gives itself, or its first line; empty where that is no text. */
function wordsOf(text: string): string {
  const server = /^server: *([^\r\n]+)/im.exec(text)?.[1];
  const [line = ""] = text.split(/[\r\n]/);
  const words = (/^HTTP\//.test(text) && server) || line;
  return /^[\x20-\x7e]+$/.test(words) ? words.slice(0, SHOWN_CHARACTERS).trim() : "";
}
