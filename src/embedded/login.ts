import {
  AUTHENTICATION_OK,
  type BackendError,
  backendKeyData,
  negotiateProtocolVersion,
  parameterStatus,
  readyForQuery,
} from "./backend-messages.ts";
import { EMBEDDED_DATABASE, EMBEDDED_USER } from "./child-protocol.ts";
import type { Parameters } from "./engine.ts";
import { type FirstMessage, type FrontendMessage, readPassword } from "./frontend-messages.ts";

/** What a client said of itself at its start. */
export type Startup = Extract<FirstMessage, { type: "startup" }>;

/** Why a client is not let in; undefined when it is. */
export function refusalOf(
  { parameters }: Startup,
  answer: FrontendMessage,
  isPassword: (text: string) => boolean,
): BackendError | undefined {
  const user = parameters.get("user") ?? "";
  const database = parameters.get("database") ?? user;
  if (answer.type !== "p" || user !== EMBEDDED_USER || !isPassword(readPassword(answer))) {
    return { severity: "FATAL", code: "28P01", message: `password authentication failed for user "${user}"` };
  }
  if (database === EMBEDDED_DATABASE) return undefined;
  return { severity: "FATAL", code: "3D000", message: `database "${database}" does not exist` };
}

/** The settings that a client asked for at its start, such as `TimeZone`. */
export function settingsOf({ parameters }: Startup): ReadonlyMap<string, string> {
  return new Map([...parameters].filter(([name]) => isSetting(name)));
}

function isSetting(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_.]*$/.test(name) && !/^(user|database|replication|options|_pq_\..*)$/.test(name);
}

/** What a client that was let in is told before its session begins. */
export function greetingFor(
  startup: Startup,
  server: { readonly parameters: Parameters; readonly id: number; readonly secret: number },
): Buffer {
  const settings = settingsOf(startup);
  const extensions = [...startup.parameters.keys()].filter((name) => name.startsWith("_pq_."));
  const isNewer = startup.minorVersion > 0 || extensions.length > 0;
  return Buffer.concat([
    ...(isNewer ? [negotiateProtocolVersion(extensions)] : []),
    AUTHENTICATION_OK,
    ...Object.entries(server.parameters).map(([name, value]) => parameterStatus(name, settings.get(name) ?? value)),
    backendKeyData(server.id, server.secret),
    readyForQuery("I"),
  ]);
}
