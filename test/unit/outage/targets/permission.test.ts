import { expect, test } from "bun:test";
import { type ForeignSession, requireAlone, requirePermission } from "../../../../src/outage/targets/permission.ts";

const victim = (labels: Record<string, string> = {}) => ({ name: "db", what: "the container db", labels });

test("requirePermission() takes the owner's label, deby's own, or the name typed by somebody", () => {
  requirePermission(victim({ "deby.chaos": "allow" }), undefined);
  requirePermission(victim({ "deby.sandbox": "true" }), undefined);
  requirePermission(victim(), "db");
});

const refused: readonly (readonly [labels: Record<string, string>, confirmed: string | undefined])[] = [
  [{}, undefined],
  [{}, "db2"],
  [{}, ""],
  [{ "deby.chaos": "deny" }, undefined],
  [{ "deby.sandbox": "false" }, "DB"],
];

test.each(refused)(
  "requirePermission() refuses the labels %j and the word %p, with what to do",
  (labels, confirmed) => {
    const ask = () => requirePermission(victim(labels), confirmed);
    expect(ask).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(ask).toThrow(/the container db was not touched.*--confirm db$/);
  },
);

const session = (applicationName: string): ForeignSession => ({ applicationName, user: "app", client: "10.0.0.7" });

test("requireAlone() refuses a database that others use, and tells who", () => {
  const options = { what: "the container db", serverApplications: undefined };
  requireAlone([], options);
  expect(() => requireAlone([session("payroll")], options)).toThrow(
    "others are connected to it: payroll (app, 10.0.0.7)",
  );
  expect(() => requireAlone([session("")], options)).toThrow("without an application_name (app, 10.0.0.7)");
  expect(() => requireAlone(Array(8).fill(session("x")), options)).toThrow("x (app, 10.0.0.7) and 3 more");
  expect(() => requireAlone([session("deby")], options)).toThrow(expect.objectContaining({ code: "USAGE" }));
});

test("requireAlone() takes the sessions of exactly these names for the judged server's, and tells how to name others", () => {
  const options = { what: "the container db", serverApplications: ["deby", "deby-probe"] };
  requireAlone([session("deby"), session("deby-probe")], options);
  for (const name of ["payroll", "deby-", "deby-outage", "debyx", "", "DEBY"]) {
    expect(() => requireAlone([session("deby"), session(name)], options)).toThrow(
      "Those of the server under test go by deby, deby-probe; if its are others, name them: --server-application NAME",
    );
  }
  requireAlone([session("shop")], { ...options, serverApplications: ["shop"] });
  expect(() => requireAlone([session("deby")], { ...options, serverApplications: ["shop"] })).toThrow("deby (app");
});
