/** Text from elsewhere may hold a terminal's control codes; shown, they do nothing. Further lines are indented. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const harmless = text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (code) => {
    return `\\x${code.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return harmless.replaceAll("\n", "\n  ");
}
