import { isLoopback } from "../remedies/trouble.ts";
import { healthCheck } from "./health-check.ts";
import { TABLE } from "./table.ts";
import { manual, psql } from "./words.ts";

export interface EncryptionFacts {
  readonly tlsProtocol: string | undefined;
  /** Undefined for a Unix socket. */
  readonly remoteAddress: string | undefined;
  /** Whether the server could encrypt. */
  readonly isOffered: boolean;
}

export const encryptionCheck = healthCheck<EncryptionFacts>({
  ...TABLE.encryption,
  about: "Whether the password and the data can be read on their way to another machine.",
  async look({ ask, tlsProtocol, remoteAddress }) {
    const [row] = await ask<{ isOffered: boolean }>(`select current_setting('ssl')::bool as "isOffered"`);
    return { tlsProtocol, remoteAddress, isOffered: row?.isOffered ?? false };
  },
  judge({ tlsProtocol, remoteAddress, isOffered }, scene) {
    if (tlsProtocol !== undefined) return { status: "pass", evidence: `encrypted with ${tlsProtocol}` };
    if (remoteAddress === undefined) return { status: "pass", evidence: "a Unix socket, which leads nowhere else" };
    if (isLoopback(remoteAddress.replace(/^::ffff:/, "")))
      return { status: "pass", evidence: "not encrypted, and does not leave this machine" };
    const { password, sslmode } = scene.subject.target;
    const what = password === undefined ? "the data" : "the password and the data";
    const command = "deby check --db-sslmode verify-full --db-sslrootcert root.crt";
    return {
      status: "warn",
      evidence: `no TLS to ${remoteAddress} (sslmode ${sslmode}, the server ${isOffered ? "offers it" : "has it switched off"})`,
      cause: `${what[0]?.toUpperCase()}${what.slice(1)} go to ${remoteAddress} without encryption. Whoever is on the way can read and change them${isOffered ? ". The command tries the encrypted way" : ", and the server has no TLS yet: it needs a certificate (server.crt and server.key in its data folder); the command then switches it on"}`,
      fix: isOffered ? [{ os: "any", command }] : psql(scene, ["ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"]),
      docs: manual("ssl-tcp.html"),
    };
  },
});
