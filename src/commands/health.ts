import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { redact } from "../config/redact.ts";
import { DebyError } from "../errors.ts";
import type { Command, CommandInput } from "./command.ts";
import { settingFlags } from "./flags.ts";
import { loadCommandAddress } from "./load-config.ts";

const TIMEOUT_MS = 2000;

const { host, port } = settingFlags("serve");

/** For a container's health check, where there is nothing else that can ask. */
export const health: Command = {
  args: {
    url: { type: "string", valueHint: "url", description: "what to ask (default /livez at --host and --port)" },
    ...(host && { host }),
    ...(port && { port }),
  },
  examples: ["deby health", "deby health --port 8080", "deby health --url http://127.0.0.1:5000/readyz"],
  async run(input) {
    const { io } = input;
    const url = readUrl(input);
    try {
      const status = await statusOf(url);
      if (status >= 200 && status < 300) {
        io.stdout.write(`${url} answers ${status}\n`);
        return 0;
      }
      io.stderr.write(`deby: ${url} answers ${status}\n`);
    } catch (error) {
      io.stderr.write(`deby: ${url} does not answer: ${reasonOf(error)}\n`);
    }
    return 1;
  },
};

function readUrl(input: CommandInput): URL {
  const text = input.flags["url"]?.toString();
  if (text === undefined) return ownUrl(input);
  const url = URL.parse(text);
  if (url?.protocol === "http:") return url;
  throw new DebyError("USAGE", `--url must begin with http://, received "${redact(text)}"`);
}

/** Liveness of the server that this configuration starts, which does not depend on the database. */
function ownUrl(input: CommandInput): URL {
  const serve = loadCommandAddress(input);
  if (serve.port === 0) throw new DebyError("USAGE", "The port is 0, any free one: name what to ask with --url");
  // Where it listens on every address, one of them is the loopback's.
  const address = { "0.0.0.0": "127.0.0.1", "::": "[::1]" }[serve.host] ?? serve.host;
  const isBareIpv6 = address.includes(":") && !address.startsWith("[");
  return new URL(`http://${isBareIpv6 ? `[${address}]` : address}:${serve.port}/livez`);
}

/** Not by fetch(), which would ask the proxy that HTTP_PROXY names. */
async function statusOf(url: URL): Promise<number> {
  const request = get(url, { signal: AbortSignal.timeout(TIMEOUT_MS), agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.destroy();
  return response.statusCode ?? 0;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "AbortError" || error.name === "TimeoutError") return `not within ${TIMEOUT_MS} ms`;
  return "code" in error ? String(error.code) : error.message;
}
