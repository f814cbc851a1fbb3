/** Where a comment may begin, and what it may not begin behind: inside quotes it is none. */
const COMMENT_OR_QUOTE = /\/\*|--|['"$]/;
const END_OF_LINE = /[\r\n]|$/;
const BLOCK_MARKS = /\/\*|\*\//g;

/**
 * The text with a blank in place of each comment that stands before its first quotation: enough to tell which command it
 * is. Source: PostgreSQL documentation, lexical structure: block comments nest, and a carriage return ends a line, too.
 */
export function withoutComments(text: string): string {
  let plain = "";
  let rest = text;
  for (;;) {
    const begin = rest.search(COMMENT_OR_QUOTE);
    const isBlock = rest.startsWith("/*", begin);
    if (begin < 0 || !(isBlock || rest.startsWith("--", begin))) return plain + rest;
    plain += `${rest.slice(0, begin)} `;
    rest = rest.slice(begin);
    rest = rest.slice(isBlock ? blockLength(rest) : rest.search(END_OF_LINE));
  }
}

/** Of the block comment that the text begins with, up to the end of the text where it has none itself. */
function blockLength(text: string): number {
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(BLOCK_MARKS)) {
    depth += mark === "/*" ? 1 : -1;
    if (depth === 0) return index + mark.length;
  }
  return text.length;
}
