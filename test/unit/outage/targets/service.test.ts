import { expect, test } from "bun:test";
import { isLocalAddress } from "../../../../src/outage/targets/local-address.ts";
import { serviceUndo } from "../../../../src/outage/targets/service.ts";
import { parseUnits } from "../../../../src/outage/targets/service-dependants.ts";

test("serviceUndo() waits for every harm that may be under way, so that no SIGSTOP follows the SIGCONT", () => {
  expect(serviceUndo("postgresql", "linux").healed?.after).toEqual([
    "systemctl stop postgresql",
    "systemctl kill --signal=SIGKILL postgresql",
    "systemctl kill --signal=SIGSTOP postgresql",
  ]);
});

test("parseUnits() reads what systemctl show prints of several units", () => {
  const first =
    "Id=postgresql.service\nActiveState=active\nRequiredBy=shop.service mail.service\nBoundBy=\nConsistsOf=a.socket";
  expect(parseUnits(`${first}\n\nId=shop.service\nActiveState=inactive\nRequiredBy=`)).toEqual([
    { id: "postgresql.service", state: "active", dependants: ["shop.service", "mail.service", "a.socket"] },
    { id: "shop.service", state: "inactive", dependants: [] },
  ]);
});

test.each([
  ["127.0.0.1", true],
  ["127.0.1.1", true],
  ["::1", true],
  ["192.0.2.7", true],
  ["::ffff:192.0.2.7", true],
  ["fe80::1%eth0", true],
  ["192.0.2.8", false],
  ["172.17.0.2", false],
  ["2001:db8::1", false],
])("isLocalAddress(%p) is %p", (address, isLocal) => {
  expect(isLocalAddress(address, ["192.0.2.7", "fe80::1"])).toBe(isLocal);
});
