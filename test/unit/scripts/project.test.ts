import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { currentRevision, ROOT } from "../../../scripts/build/project.ts";

afterEach(() => {
  delete process.env["SOURCE_DATE_EPOCH"];
  delete process.env["SOURCE_COMMIT"];
});

const isRepository = existsSync(join(ROOT, ".git")) && Bun.which("git") !== null;

test("a build is of the commit that is checked out, and as old as it", () => {
  process.env["SOURCE_COMMIT"] = "0123456789";
  const { commit, epochSeconds } = currentRevision();
  expect(commit).toMatch(isRepository ? /^[0-9a-f]{10}(-dirty)?$/ : /^0123456789$/);
  if (!isRepository) return;
  const log = Bun.spawnSync(["git", "log", "-1", "--format=%H %ct"], { cwd: ROOT }).stdout.toString().trim();
  expect(log.startsWith(commit.replace("-dirty", ""))).toBe(true);
  expect(log.endsWith(` ${epochSeconds}`)).toBe(true);
});

test("SOURCE_DATE_EPOCH gives a build another age", () => {
  process.env["SOURCE_DATE_EPOCH"] = "1700000000";
  expect(currentRevision().epochSeconds).toBe(1_700_000_000);
});

test.each(["yesterday", "1.5", "0"])("SOURCE_DATE_EPOCH=%s is refused, which a zip file cannot hold", (value) => {
  process.env["SOURCE_DATE_EPOCH"] = value;
  expect(() => currentRevision()).toThrow(
    `SOURCE_DATE_EPOCH must be seconds since 1970, after 1980, received "${value}"`,
  );
});
