import { isCi } from "./ci.ts";
import { Etcd } from "./etcd.ts";
import { PatroniNode } from "./patroni-node.ts";
import { freePort } from "./ports.ts";
import { postgresBinaries } from "./postgres-binaries.ts";
import { ADMIN_HBA, ADMIN_IDENT } from "./postgres-sql.ts";
import { postgresTemplate, TEMPLATE_PASSWORD } from "./postgres-template.ts";
import { postgresUser } from "./postgres-user.ts";
import { makeTempFolder } from "./temp-folder.ts";
import { waitUntil } from "./wait-until.ts";

/**
 * For `describe.skipIf(!patroniAvailable)`: whether Patroni, etcd and a whole PostgreSQL 15 are there.
 * With CI=true it is always true, so that the tests run and fail where they are not.
 */
export const patroniAvailable: boolean =
  isCi || ["patroni", "etcd", "/usr/lib/postgresql/15/bin/pg_rewind"].every((command) => Bun.which(command) !== null);

/**
 * Patroni's own are 30, 10 and 10 s. A switchover takes one to two loops, a failover the lease's rest and one loop.
 * Shorter, a leader on a busy machine would lose its lease without anything being wrong. Debian's Patroni 3.0 takes any
 * numbers, later ones no lease below 20 s.
 */
const TTL_S = 5;
const LOOP_WAIT_S = 1;
const RETRY_TIMEOUT_S = 2;

/** To have a leader and a standby that streams: a first start with its base backup, or a rewind and a start. */
const WHOLE_WITHIN_MS = 60_000;
/** Patroni itself gives up after 15 looks, one a second. */
const SWITCHED_WITHIN_MS = 20_000;

export interface PatroniOptions {
  /** COMMIT waits for the standby, as long as there is one. Default false. */
  readonly isSynchronous?: boolean;
  /** Lines for pg_hba.conf, before those that let roles in with their passwords. */
  readonly hba?: readonly string[];
}

/** Two nodes and their etcd: `await using cluster = await PatroniCluster.start({ isSynchronous: true })`. */
export class PatroniCluster implements AsyncDisposable {
  readonly nodes: readonly PatroniNode[];
  readonly etcd: Etcd;
  readonly #isSynchronous: boolean;

  /** Resolves when one node leads and the other streams from it. */
  static async start(options: PatroniOptions = {}): Promise<PatroniCluster> {
    const etcd = await Etcd.start();
    const nodes = [await placeNode("one"), await placeNode("two")];
    const cluster = new PatroniCluster(etcd, nodes, options);
    try {
      for (const node of nodes) node.start(await configurationOf(node, etcd, options));
      await cluster.waitWhole();
      return cluster;
    } catch (error) {
      const logs = nodes.map(({ name, log }) => `${name}:\n${log.slice(-3000)}`);
      await cluster[Symbol.asyncDispose]();
      throw new Error(`Cannot start Patroni: ${(error as Error).message}\n${logs.join("\n")}`);
    }
  }

  private constructor(etcd: Etcd, nodes: readonly PatroniNode[], { isSynchronous = false }: PatroniOptions) {
    this.etcd = etcd;
    this.nodes = nodes;
    this.#isSynchronous = isSynchronous;
  }

  /** The node that holds the leader's lock; waits until there is one. */
  leader(): Promise<PatroniNode> {
    return waitUntil("a node leads", () => this.#findLeader(), { deadlineMs: WHOLE_WITHIN_MS, everyMs: 50 });
  }

  /** Waits until one node leads and the other streams from it, and may take over. */
  async waitWhole(): Promise<void> {
    const [condition, role] = this.#isSynchronous
      ? ["sync_state = 'sync'", "sync_standby"]
      : ["state = 'streaming'", "replica"];
    const look = async () => {
      const leader = await this.#findLeader();
      if (leader === undefined || !(await leader.members()).some((member) => member.role === role)) return false;
      // Postgres and Patroni learn of it one after the other, in either order.
      return (await leader.psql(`SELECT 1 FROM pg_stat_replication WHERE ${condition}`)).length === 1;
    };
    await waitUntil("a standby streams from the leader", look, { deadlineMs: WHOLE_WITHIN_MS, everyMs: 50 });
  }

  /** Makes the standby the leader and the leader its standby; resolves with the new leader, which is writable. */
  async switchover(): Promise<PatroniNode> {
    const leader = await this.leader();
    const candidate = this.otherThan(leader);
    const body = { leader: leader.name, candidate: candidate.name };
    const answer = await leader.ask("POST", "/switchover", { body, limitMs: SWITCHED_WITHIN_MS });
    if (!answer.ok) throw new Error(`Cannot switch over to ${candidate.name}: ${answer.status} ${await answer.text()}`);
    await waitUntil(`${candidate.name} leads`, () => candidate.isLeader());
    return candidate;
  }

  /** Kills the leader's Patroni and Postgres; resolves with that node as soon as they are gone. */
  async killLeader(): Promise<PatroniNode> {
    const leader = await this.leader();
    await leader.kill9();
    return leader;
  }

  /** Starts a killed node again; resolves when it streams from the other, rewound if need be. */
  async restart(node: PatroniNode): Promise<void> {
    node.start();
    await this.waitWhole();
  }

  async #findLeader(): Promise<PatroniNode | undefined> {
    const answers = await Promise.all(this.nodes.map((node) => node.isLeader().catch(() => false)));
    return this.nodes.find((_, index) => answers[index]);
  }

  otherThan(node: PatroniNode): PatroniNode {
    const other = this.nodes.find(({ name }) => name !== node.name);
    if (other === undefined) throw new Error(`There is no node but ${node.name}`);
    return other;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()));
    await this.etcd[Symbol.asyncDispose]();
  }
}

async function placeNode(name: string): Promise<PatroniNode> {
  // SIGTERM makes Patroni stop its Postgres, which would otherwise outlive it.
  const runAs = postgresUser("TERM");
  const folder = makeTempFolder(`patroni-${name}`, { owner: runAs, inMemory: true });
  return new PatroniNode({ name, folder, runAs, port: await freePort(), restPort: await freePort() });
}

/** Patroni's configuration; the first node to take the lock makes its data folder from the tests' template. */
async function configurationOf(node: PatroniNode, etcd: Etcd, options: PatroniOptions) {
  const { isSynchronous = false, hba = [] } = options;
  const { host, port, restPort, socketDir, dataDir } = node;
  const authentication = { username: node.user, password: TEMPLATE_PASSWORD };
  return {
    scope: "deby",
    name: node.name,
    restapi: { listen: `${host}:${restPort}`, connect_address: `${host}:${restPort}` },
    etcd3: { host: `${etcd.host}:${etcd.port}` },
    bootstrap: {
      dcs: {
        ttl: TTL_S,
        loop_wait: LOOP_WAIT_S,
        retry_timeout: RETRY_TIMEOUT_S,
        synchronous_mode: isSynchronous,
        // pg_rewind needs it where there are no checksums.
        postgresql: { use_pg_rewind: true, parameters: { wal_log_hints: "on" } },
      },
      method: "template",
      template: { command: `cp -a ${await postgresTemplate(15)}/. ${dataDir}`, no_params: true },
    },
    postgresql: {
      listen: `${host}:${port}`,
      connect_address: `${host}:${port}`,
      data_dir: dataDir,
      bin_dir: await postgresBinaries(15),
      pgpass: `${socketDir}/pgpass`,
      authentication: { superuser: authentication, replication: authentication },
      basebackup: { checkpoint: "fast" },
      parameters: {
        unix_socket_directories: socketDir,
        timezone: "UTC",
        log_timezone: "UTC",
        fsync: "off",
        dynamic_shared_memory_type: "mmap",
        shared_buffers: "32MB",
        wal_retrieve_retry_interval: "100ms",
      },
      pg_hba: [ADMIN_HBA, ...hba, "host all,replication all 127.0.0.1/32 scram-sha-256", "local all all scram-sha-256"],
      pg_ident: [ADMIN_IDENT],
    },
  };
}
