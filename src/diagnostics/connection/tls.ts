import type { DatabaseTarget } from "../../config/types.ts";
import { addressLabel } from "../../database/dial.ts";
import type { Certificate } from "../../database/greeting.ts";
import { verifiesServer, wantsTls } from "../../database/tls.ts";
import type { Check, CheckContext, Finding } from "../check.ts";
import type { HostProgress } from "../host-progress.ts";
import { dayOf, expiringCertificate, unverifiedServer } from "../remedies/certificates.ts";
import { connectFinding } from "./connect-finding.ts";
import { eachHost } from "./each-host.ts";

const DAY_MS = 86_400_000;
const WARN_DAYS = 30;
const FAIL_DAYS = 7;

/** Whether TLS could be agreed on as sslmode asks for it, and for how long it can. */
export const tlsCheck: Check = {
  id: "tls",
  title: "TLS",
  group: "connection",
  about:
    "Whether the connection is encrypted as sslmode asks for it, as libpq understands it: prefer falls back to plain, " +
    "require encrypts without verifying (a warning) unless a root certificate is given, verify-ca verifies who signed, " +
    `verify-full the name too. A verified certificate that expires within ${WARN_DAYS} days is a warning, within ` +
    `${FAIL_DAYS} a failure.`,
  needs: ["protocol"],
  run: (context) => eachHost(context, (progress) => lookAt(progress, context)),
};

async function lookAt(progress: HostProgress, context: CheckContext): Promise<Finding> {
  const { connection, failure } = await context.session.opened(progress, context);
  if (failure?.step === "tls") return connectFinding(failure, progress, context);
  const { target } = context.subject;
  const { host, certificate } = progress;
  if (host.host.startsWith("/")) return { status: "pass", evidence: "a Unix socket needs none" };
  const asked = `sslmode=${target.sslmode}`;
  const isPlain = connection === undefined ? certificate === undefined : connection.tlsProtocol === undefined;
  if (!wantsTls(target.sslmode, host.host) || isPlain) return { status: "pass", evidence: `not encrypted, ${asked}` };
  const found = [connection?.tlsProtocol ?? "offered", asked];
  if (certificate === undefined) return { status: "pass", evidence: found.join(", ") };
  found.push(`certificate for ${certificate.names.join(", ") || "nobody"} until ${dayOf(certificate.validUntil)}`);
  return { evidence: found.join(", "), ...judge(certificate, progress, context) };
}

function judge(certificate: Certificate, { host }: HostProgress, { subject, clock }: CheckContext) {
  const situation = { trouble: { code: "TLS", message: "" }, subject, at: host, label: addressLabel(host) };
  if (!verifiesServer(subject.target)) return judgeUnverified(subject.target, unverifiedServer(situation));
  const daysLeft = Math.floor((certificate.validUntil - clock.date().getTime()) / DAY_MS);
  if (!(daysLeft < WARN_DAYS)) return { status: "pass" } as const;
  const remedy = expiringCertificate(situation, certificate, daysLeft);
  if (daysLeft >= FAIL_DAYS) return { status: "warn", ...remedy } as const;
  return { status: "fail", ...remedy, isPassable: true } as const;
}

/** prefer promises nothing, so there is nothing to warn of. */
function judgeUnverified({ sslmode }: DatabaseTarget, remedy: ReturnType<typeof unverifiedServer>) {
  return sslmode === "require" ? ({ status: "warn", ...remedy } as const) : ({ status: "pass" } as const);
}
