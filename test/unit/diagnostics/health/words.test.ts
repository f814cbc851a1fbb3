import { describe, expect, test } from "bun:test";
import {
  count,
  excerpt,
  grade,
  listed,
  percent,
  psql,
  qualified,
  spell,
  spellBytes,
} from "../../../../src/diagnostics/health/words.ts";
import { sceneOf } from "./scene.ts";

describe("excerpt()", () => {
  test.each([
    ["ALTER ROLE app PASSWORD 'hunter2'", "ALTER ROLE app PASSWORD '…'"],
    ["select 'it''s' , \n\t 'two'", "select '…' , '…'"],
    ["select 'cut off by the ser", "select '…'"],
    ["do $$ begin\n secret; end $$", "do '…'"],
    ["select $a$x$b$y$a$, $1", "select '…', $1"],
    ["select E'a\\'b', secret, 'c'", "select '…', secret, '…'"],
    ["select 'C:\\', 'two'", "select '…', '…'"],
    [`select "it's", 'two' -- that's all`, `select "it's", '…'`],
    ["/* it's */ select 1", "select 1"],
  ])("%j shows no values", (query, shown) => {
    expect(excerpt(query)).toBe(shown);
  });

  test("is one line of at most 80 characters", () => {
    expect(excerpt(`select ${"x".repeat(200)}`)).toHaveLength(80);
  });
});

describe("psql()", () => {
  const scene = sceneOf({});

  test("gives one command where it means the same to every shell", () => {
    expect(psql(scene, "SELECT 1 WHERE 'a' < 'b'")).toEqual([
      { os: "any", command: `psql -h db.example.com -p 5432 -U postgres -d shop -c "SELECT 1 WHERE 'a' < 'b'"` },
    ]);
  });

  test("gives each shell its own where a name has to be quoted", () => {
    expect(psql(scene, 'DROP INDEX "Odd"').map(({ os, command }) => [os, command.replace(/.* -c /, "")])).toEqual([
      ["linux", `'DROP INDEX "Odd"'`],
      ["macos", `'DROP INDEX "Odd"'`],
      ["windows", `"DROP INDEX \\"Odd\\""`],
    ]);
  });

  test.each(['"a & calc"', '"a | b"', '"%PATH%"', '"a\nb"'])("gives cmd no command with the name %j", (name) => {
    expect(psql(scene, `DROP TABLE ${name}`).map(({ os }) => os)).toEqual(["linux", "macos"]);
  });

  test.each(["$(reboot)", "`reboot`", "'; reboot; '", "\\"])("lets sh see nothing of the name %j", (name) => {
    const [fix] = psql(scene, `DROP TABLE ${qualified(name)}`);
    const sh = Bun.spawnSync(["sh", "-c", `psql() { printf '%s' "\${10}"; }; ${fix?.command}`]);
    expect(sh.stdout.toString()).toBe(`DROP TABLE "${name}"`);
  });
});

test("at most five facts are listed, and how many more there are", () => {
  expect(listed(["1", "2", "3", "4", "5"])).toBe("1\n2\n3\n4\n5");
  expect(listed(["1", "2", "3", "4", "5", "6", "7"])).toBe("1\n2\n3\n4\n5\nand 2 more");
});

test("a limit counts from itself on, and one that is not there never", () => {
  const limits = { warn: 1, fail: 2 };
  expect([0.9, 1, 2].map((value) => grade(value, limits))).toEqual(["pass", "warn", "fail"]);
  expect(grade(1e9, {})).toBe("pass");
});

test.each([
  [0.25, "0.3 s"],
  [75.9, "75 s"],
  [720, "12 min"],
  [18_000, "5 h"],
  [259_200, "3 days"],
])("%d s are spelt %s", (seconds, spelt) => {
  expect(spell(seconds)).toBe(spelt);
});

test("amounts are spelt as they are read", () => {
  expect([count(1, "index", "indexes"), count(1_200, "row")]).toEqual(["1 index", "1,200 rows"]);
  expect([percent(0.999), percent(1)]).toEqual(["99 %", "100 %"]);
  expect([spellBytes(12), spellBytes(1_536), spellBytes(2 ** 30)]).toEqual(["12 bytes", "1.5 kB", "1.0 GB"]);
});
