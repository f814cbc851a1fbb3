import { expect, test } from "bun:test";
import { serviceCommands } from "../../../../src/outage/targets/service-commands.ts";

test("serviceCommands() speaks to systemd, which can freeze", () => {
  const commands = serviceCommands("linux", "postgresql@17-main");
  expect(commands.stop).toEqual(["systemctl", "stop", "postgresql@17-main"]);
  expect(commands.start).toEqual(["systemctl", "start", "postgresql@17-main"]);
  expect(commands.kill).toEqual(["systemctl", "kill", "--signal=SIGKILL", "postgresql@17-main"]);
  expect(commands.thaw).toEqual(["systemctl", "kill", "--signal=SIGCONT", "postgresql@17-main"]);
  expect(commands.runs.test("ActiveState=active")).toBe(true);
  expect(commands.runs.test("ActiveState=inactive")).toBe(false);
});

test("serviceCommands() speaks to brew services", () => {
  const commands = serviceCommands("darwin", "postgresql@17");
  expect(commands.stop).toEqual(["brew", "services", "stop", "postgresql@17"]);
  expect(commands.freeze).toBeUndefined();
  expect(commands.runs.test('[{"name":"postgresql@17","running":true}]')).toBe(true);
  expect(commands.runs.test('[{"name":"postgresql@17","running": false}]')).toBe(false);
});

test("serviceCommands() speaks to Windows", () => {
  const commands = serviceCommands("win32", "postgresql-x64-17");
  // With /y it would stop what depends on it, too, which nothing starts again.
  expect(commands.stop).toEqual(["net", "stop", "postgresql-x64-17"]);
  expect(commands.kill).toEqual(["taskkill", "/F", "/FI", "SERVICES eq postgresql-x64-17"]);
  expect(commands.runs.test("        STATE              : 4  RUNNING")).toBe(true);
  expect(commands.runs.test("        STATE              : 1  STOPPED")).toBe(false);
});

test.each(["", "-H", "a b", "db;reboot", "$(x)"])("serviceCommands() takes %p for no name", (name) => {
  expect(() => serviceCommands("linux", name)).toThrow("--service must be a service's name");
});
