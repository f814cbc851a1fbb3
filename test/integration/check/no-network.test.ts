import { expect, test } from "bun:test";
import type { CheckReport } from "../../../src/diagnostics/report-model.ts";
import { debyExecutable } from "../../support/executable.ts";
import { makeTempFolder } from "../../support/temp-folder.ts";
import { resultOf } from "./run-check.ts";

/** A network namespace of its own has no way to anywhere; making one takes a right that not everybody has. */
const canUnshare = Bun.which("unshare") !== null && Bun.spawnSync(["unshare", "--net", "true"]).exitCode === 0;

test.skipIf(!canUnshare)("deby check tells a missing network from a refusal (needs a network namespace)", async () => {
  await using folder = makeTempFolder("check-network");
  const command = ["unshare", "--net", await debyExecutable(), "check", "--json"];
  const env = { PATH: process.env["PATH"] ?? "", HOME: folder.path, PGHOST: "192.0.2.7" };
  const { stdout, exitCode } = Bun.spawnSync(command, { cwd: folder.path, env });
  const result = resultOf(JSON.parse(stdout.toString()) as CheckReport, "tcp");
  expect(exitCode).toBe(1);
  expect(result).toMatchObject({ status: "fail", evidence: "192.0.2.7:5432: no route to the network (ENETUNREACH)" });
  expect(result.cause).toStartWith("There is no route to 192.0.2.7. A firewall or security group");
});
