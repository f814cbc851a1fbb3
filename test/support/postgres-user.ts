import { userInfo } from "node:os";

/** Whom a database server runs as: Postgres refuses to run as root. */
export interface PostgresUser {
  readonly uid: number;
  readonly gid: number;
  /** What stands in front of every command that has to run as this user; empty where nothing has to change. */
  readonly prefix: readonly string[];
}

/**
 * This process's user or, for root, `postgres` where it exists, else `nobody`.
 * On Linux a command started with the prefix gets `lastSignal` when the process that started it dies. Default SIGQUIT,
 * the server's immediate shutdown: it takes its own children along.
 */
export function postgresUser(lastSignal: "QUIT" | "TERM" = "QUIT"): PostgresUser {
  const { uid, gid } = userInfo();
  const dieWithUs = ["setpriv", "--pdeathsig", lastSignal];
  const hasSetpriv = Bun.which("setpriv") !== null;
  if (uid !== 0) return { uid, gid, prefix: hasSetpriv ? [...dieWithUs, "--"] : [] };
  if (!hasSetpriv) throw new Error("Cannot start Postgres as root without setpriv (util-linux): run as another user");
  const other = idsOf("postgres") ?? idsOf("nobody");
  if (other === undefined) throw new Error("Cannot start Postgres as root: no user postgres or nobody");
  const become = [`--reuid=${other.uid}`, `--regid=${other.gid}`, "--clear-groups"];
  return { ...other, prefix: [...dieWithUs, ...become, "--"] };
}

function idsOf(name: string): { uid: number; gid: number } | undefined {
  const ids = [idOf("-u", name), idOf("-g", name)] as const;
  return ids[0] === undefined || ids[1] === undefined ? undefined : { uid: ids[0], gid: ids[1] };
}

function idOf(flag: string, name: string): number | undefined {
  const asked = Bun.spawnSync(["id", flag, name], { stdout: "pipe", stderr: "ignore" });
  return asked.success ? Number(asked.stdout.toString()) : undefined;
}
