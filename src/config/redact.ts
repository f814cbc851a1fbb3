/** A user, and what stands between the first colon behind it and the last "@": a password may hold either. */
const USERINFO = /^(\s*[a-z][a-z0-9+.-]*:\/\/)?([^:]*):(?!\/\/).*@/is;

/** A password among a URL's parameters, or among the words of a libpq connection string. */
const PARAMETER = /((?:ssl)?pass(?:word|wd)?|pwd)(\s*=\s*)(?:'(?:[^'\\]|\\.)*'?|[^&\s]*)/gi;

/**
 * A text as it may be printed: where a URL or `user:password@host` stands in the place of something else, its password
 * is left out. Rather too much is hidden than too little, since what cannot be read as it was meant has no grammar.
 */
export function redact(text: string): string {
  return text.replace(USERINFO, "$1$2:***@").replace(PARAMETER, "$1$2***");
}
