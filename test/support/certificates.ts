import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isCi } from "./ci.ts";
import { runCommand } from "./run-command.ts";
import type { TempFolder } from "./temp-folder.ts";

/** Certificates are made with openssl; with CI=true it has to be there. */
export const hasOpenssl = isCi || Bun.which("openssl") !== null;

export interface ServerCertificate {
  /** PEM texts, for a server's data folder. */
  readonly files: { readonly "server.crt": string; readonly "server.key": string };
  /** Path of the authority that signed it. */
  readonly rootCert: string;
}

/** A certificate for a host name, signed by an authority of its own, valid for a day. */
export async function makeCertificate(folder: TempFolder, name: string): Promise<ServerCertificate> {
  const at = (file: string) => join(folder.path, `${name}-${file}`);
  const openssl = (...args: string[]) => runCommand(["openssl", ...args]);
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  await openssl(
    "req",
    "-x509",
    ...newKey,
    "-days",
    "1",
    "-subj",
    "/CN=test authority",
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
  );
  await openssl(
    "req",
    ...newKey,
    "-subj",
    `/CN=${name}`,
    "-addext",
    `subjectAltName=DNS:${name}`,
    "-keyout",
    at("server.key"),
    "-out",
    at("server.csr"),
  );
  const signing = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-copy_extensions", "copy"];
  await openssl("x509", "-req", "-days", "1", "-in", at("server.csr"), ...signing, "-out", at("server.crt"));
  return {
    files: {
      "server.crt": readFileSync(at("server.crt"), "utf8"),
      "server.key": readFileSync(at("server.key"), "utf8"),
    },
    rootCert: at("ca.crt"),
  };
}
