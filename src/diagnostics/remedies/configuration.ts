import { onEverySystem } from "../shell.ts";
import { makeRemedy, type Remedy, type Situation } from "./trouble.ts";

const ASK_AND_ENCODE = `python3 -c "import getpass, urllib.parse as u; print(u.quote(getpass.getpass(), safe=''))"`;

/** Asks for the password and prints it as it may stand in a URL; nothing of it is left in a shell's history. */
const ENCODE = {
  linux: ASK_AND_ENCODE,
  macos: ASK_AND_ENCODE,
  windows: "powershell -Command \"[uri]::EscapeDataString((Read-Host 'Password'))\"",
} as const;

export function unencodedPassword({ trouble, subject }: Situation): Remedy {
  const fix = onEverySystem(subject.os, (os) => ENCODE[os]);
  return makeRemedy(trouble.message, fix, "libpq-connect.html");
}

/** What somebody wrote is not valid: the refusal names it, the rule and what was received. */
export function invalidSetting({ trouble, subject }: Situation): Remedy {
  const fix = onEverySystem(subject.os, () => "deby check --help");
  return makeRemedy(trouble.message, fix, "libpq-connect.html");
}
