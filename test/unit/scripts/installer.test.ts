import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { installerOf } from "../../../scripts/build/installer.ts";
import { TARGETS } from "../../../scripts/build/targets.ts";

const SCRIPTS = join(import.meta.dir, "../../../scripts");
const BASE_URL = "https://example.com/deby/v{version}";

const read = (name: string) => readFileSync(join(SCRIPTS, name), "utf8");

test.each([
  ["install.sh", "release_version='1.2.3-rc.1'\n", `release_base_url='${BASE_URL}'\n`],
  ["install.ps1", "$ReleaseVersion = '1.2.3-rc.1'\n", `$ReleaseBaseUrl = '${BASE_URL}'\n`],
])("%s learns its version and where its release lies, and nothing else in it changes", (name, version, baseUrl) => {
  const text = read(name);
  const filled = installerOf(text, { version: "1.2.3-rc.1", baseUrl: BASE_URL });
  expect(filled).toContain(version);
  expect(filled).toContain(baseUrl);
  expect(filled.replace("'1.2.3-rc.1'", "''").replace(`'${BASE_URL}'`, "''")).toBe(text);
  expect(installerOf(text, { version: "1.2.3", baseUrl: undefined })).toBe(text);
});

test.each(["https://example.com/'; rm -rf ~'", "example.com/deby", "https://example.com/$HOME"])(
  "a base URL such as %s is refused, since it becomes a part of a script",
  (baseUrl) => {
    expect(() => installerOf(read("install.sh"), { version: "1.2.3", baseUrl })).toThrow("must be a plain URL");
  },
);

test("a script without the lines is refused", () => {
  expect(() => installerOf("echo hello\n", { version: "1.2.3", baseUrl: BASE_URL })).toThrow("has no lines");
});

test("the installers are plain ASCII, and know every target by its name", () => {
  const scripts = [read("install.sh"), read("install.ps1")];
  for (const text of scripts) expect(text).toMatch(/^[\x20-\x7e\n]+$/);
  for (const { name } of TARGETS) {
    const computed = name.replace(/^(linux|macos)-(x64|arm64)(?=$|-musl)/, "$1-$$arch");
    expect(scripts.filter((text) => text.includes(name) || text.includes(computed))).not.toEqual([]);
  }
});
