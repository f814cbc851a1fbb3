const ASCII_ONLY = /^\p{ASCII}*$/u;
/** Tables C.1.2 and B.1 of RFC 3454. */
const OTHER_SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;
const NOTHING = /\u00ad|\u034f|\u1806|\u180b|\u180c|\u180d|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;
/** Tables C.2 to C.9, and what people use of that which Unicode 3.2 did not know yet: emoji. */
const PROHIBITED = /[\p{C}\p{Zl}\p{Zp}]|\u0340|\u0341|[\u2ff0-\u2ffb]|\ufffc|\ufffd|[\u{1f000}-\u{1ffff}]/u;

/**
 * A password as a server prepares it before it hashes it, which the driver leaves out: an é may be written in two ways.
 * One that may not be prepared is taken as it is. Source: RFC 4013; PostgreSQL, src/common/saslprep.c.
 */
export function saslPrep(password: string): string {
  if (ASCII_ONLY.test(password)) return password;
  const prepared = password.replaceAll(OTHER_SPACES, " ").replaceAll(NOTHING, "").normalize("NFKC");
  return prepared === "" || PROHIBITED.test(prepared) ? password : prepared;
}
