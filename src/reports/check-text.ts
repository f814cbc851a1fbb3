import type { CheckStatus } from "../diagnostics/check.ts";

/** How a report is laid out. */
export interface TextOptions {
  /** At most so many columns; default 100. */
  readonly columns?: number;
  readonly hasColors?: boolean;
}

interface Mark {
  readonly symbol: string;
  readonly word: string;
  /** As an SGR parameter. */
  readonly color: number;
}

/** Symbol and word, so that colour is never the only sign. */
const MARKS: Readonly<Record<CheckStatus, Mark>> = {
  pass: { symbol: "✔", word: "pass", color: 32 },
  warn: { symbol: "!", word: "warn", color: 33 },
  fail: { symbol: "✖", word: "fail", color: 31 },
  skip: { symbol: "-", word: "skip", color: 90 },
  unknown: { symbol: "?", word: "unknown", color: 35 },
};

const ESC = "\u001B[";
const DEFAULT_COLUMNS = 100;
const FEWEST_COLUMNS = 60;

export function paint(text: string, color: number, { hasColors = false }: TextOptions): string {
  return hasColors ? `${ESC}${color}m${text}${ESC}0m` : text;
}

/** How many columns a line may take. A terminal that does not know its width says 0. */
export function textWidth({ columns }: TextOptions): number {
  return Math.max(FEWEST_COLUMNS, Math.min(columns || DEFAULT_COLUMNS, DEFAULT_COLUMNS));
}

/** `✔ pass   `, as wide for every status. */
export function statusMark(status: CheckStatus, options: TextOptions): string {
  const { symbol, word, color } = MARKS[status];
  return paint(`${symbol} ${word.padEnd(8)}`, color, options);
}

/**
 * Breaks text at spaces into lines of at most `width`; its own line breaks stay, and where a line was indented, all that
 * becomes of it is. A word that is longer is cut.
 */
export function wrapText(text: string, width: number): string[] {
  return text.split("\n").flatMap((line) => {
    if (line.length <= width) return [line];
    const indent = /^ */.exec(line)?.[0] ?? "";
    const room = width - indent.length;
    const lines: string[] = [];
    let current = "";
    for (const word of line
      .trimStart()
      .split(" ")
      .flatMap((long) => cut(long, room))) {
      if (current !== "" && current.length + 1 + word.length > room) {
        lines.push(indent + current);
        current = word;
      } else current = current === "" ? word : `${current} ${word}`;
    }
    return [...lines, indent + current];
  });
}

/** Breaks a command between its arguments, so that all its lines together can still be pasted. */
export function wrapCommand(command: string, width: number, continuation: "\\" | "^"): string[] {
  if (command.length <= width) return [command];
  const args = command.match(/(?:\\['"]|[^\s"']|"(?:\\.|[^"\\])*"|'[^']*')+/g) ?? [command];
  const lines: string[] = [];
  let current = "";
  for (const arg of args) {
    if (current !== "" && current.length + arg.length + 3 > width) {
      lines.push(`${current} ${continuation}`);
      // cmd ends a command at the end of the line, whatever quotes are open.
      const pieces = continuation === "^" ? [arg] : wrapStatement(arg, width);
      current = pieces.pop() ?? "";
      lines.push(...pieces);
    } else current = current === "" ? arg : `${current} ${arg}`;
  }
  return [...lines, current];
}

/** Breaks a statement, which the shell's quotes surround, where SQL does not mind: outside of its own quotes. */
function wrapStatement(arg: string, width: number): string[] {
  if (arg.length <= width || !/^(["']).*\1$/s.test(arg)) return [arg];
  const isOpen = (text: string) => {
    const sql = text.slice(1).replaceAll("'\\''", "'");
    return !/^(?:[^"']|"[^"]*"|'[^']*')*$/.test(sql);
  };
  const lines: string[] = [];
  let current = "";
  let whole = "";
  for (const word of arg.split(" ")) {
    const next = current === "" ? word : `${current} ${word}`;
    if (current !== "" && next.length > width && !isOpen(whole)) {
      lines.push(current);
      current = word;
    } else current = next;
    whole = whole === "" ? word : `${whole} ${word}`;
  }
  return [...lines, current];
}

/** `indent` columns before every line, and `lead` in place of the first line's. */
export function indented(lines: readonly string[], indent: number, lead = " ".repeat(indent)): string[] {
  return lines.map((line, index) => `${index === 0 ? lead : " ".repeat(indent)}${line}`.trimEnd());
}

/** What a server or a table's name says is shown, never obeyed: a terminal's control codes become dots. */
export function harmless(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "·");
}

function cut(word: string, width: number): string[] {
  return word.length <= width ? [word] : (word.match(new RegExp(`.{1,${width}}`, "gu")) ?? [word]);
}
