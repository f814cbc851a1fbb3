import { readFileSync, writeFileSync } from "node:fs";
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

export interface CertificateOptions {
  /** How long it is valid; less than 0 for one that expired so long ago. Default: 365. */
  readonly days?: number;
  /** Signed by nobody but itself. Default: by an authority of its own. */
  readonly isSelfSigned?: boolean;
}

/** A certificate for a host name. */
export async function makeCertificate(
  folder: TempFolder,
  name: string,
  { days = 365, isSelfSigned = false }: CertificateOptions = {},
): Promise<ServerCertificate> {
  const at = (file: string) => join(folder.path, `${name}-${days}-${isSelfSigned}-${file}`);
  const openssl = (...args: string[]) => runCommand(["openssl", ...args]);
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  const lifetime = ["-days", String(days)];
  const names = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`];
  const authority = ["-subj", "/CN=test authority", "-keyout", at("ca.key"), "-out", at("ca.crt")];
  await openssl("req", "-x509", ...newKey, "-days", "365", ...authority);
  const request = ["-keyout", at("server.key"), "-out"];
  if (isSelfSigned) await openssl("req", "-x509", ...newKey, ...lifetime, ...names, ...request, at("server.crt"));
  else {
    await openssl("req", ...newKey, ...names, ...request, at("server.csr"));
    if (days < 0) {
      writeFileSync(at("ca.cnf"), authorityConfig(folder.path));
      writeFileSync(join(folder.path, "index.txt"), "");
      const past = ["-startdate", "20200101000000Z", "-enddate", stamp(Date.now() + days * 86_400_000)];
      const signing = ["-cert", at("ca.crt"), "-keyfile", at("ca.key")];
      const request = ["-in", at("server.csr"), "-out", at("server.crt"), "-notext"];
      await openssl("ca", "-batch", "-config", at("ca.cnf"), ...past, ...signing, ...request);
      return { files: filesAt(at), rootCert: at("ca.crt") };
    }
    const signing = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-copy_extensions", "copy"];
    await openssl("x509", "-req", ...lifetime, "-in", at("server.csr"), ...signing, "-out", at("server.crt"));
  }
  return { files: filesAt(at), rootCert: at("ca.crt") };
}

function filesAt(at: (file: string) => string): ServerCertificate["files"] {
  return {
    "server.crt": readFileSync(at("server.crt"), "utf8"),
    "server.key": readFileSync(at("server.key"), "utf8"),
  };
}

/** `openssl x509` gives no days that are past. */
function authorityConfig(folder: string): string {
  return `[ca]
default_ca = authority
[authority]
database = ${folder}/index.txt
new_certs_dir = ${folder}
default_md = sha256
rand_serial = yes
policy = anything
copy_extensions = copy
[anything]
commonName = supplied
`;
}

/** `20261126103000Z`. */
function stamp(ms: number): string {
  return `${new Date(ms).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
}
