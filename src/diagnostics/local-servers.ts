import { readdirSync } from "node:fs";
import type { HostPort } from "../config/types.ts";
import { knock } from "../database/dial.ts";
import type { CheckContext } from "./check.ts";

/** Where distributions and PostgreSQL's own build put their sockets. */
const SOCKET_FOLDERS = ["/var/run/postgresql", "/tmp"];
const KNOCK_LIMIT_MS = 200;

/** The Unix sockets of this machine behind which somebody listens. A killed server leaves its own behind. */
export async function findLocalServers({ subject, clock, signal }: CheckContext): Promise<HostPort[]> {
  const deadlineAt = clock.now() + KNOCK_LIMIT_MS;
  const candidates = SOCKET_FOLDERS.flatMap((host) => portsIn(host).map((port) => ({ host, port })));
  const knocked = candidates.map((candidate) => {
    const target = { ...subject.target, hosts: [candidate] };
    return knock(target, { clock, deadlineAt, signal }).then(
      () => [candidate],
      () => [],
    );
  });
  return (await Promise.all(knocked)).flat();
}

function portsIn(folder: string): number[] {
  try {
    return readdirSync(folder)
      .flatMap((name) => /^\.s\.PGSQL\.(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number);
  } catch {
    return [];
  }
}
