import type { HostPort } from "../config/types.ts";
import { DebyError } from "../errors.ts";

/** Why the server cannot listen and what to do about it, in the words of this platform. */
export function listenError(error: unknown, { host, port }: HostPort, platform: NodeJS.Platform): DebyError {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "UNKNOWN";
  const message = `Cannot listen on ${host}:${port}: ${explain(code, { host, port }, platform, error)}`;
  return new DebyError("LISTEN_FAILED", message, { cause: error, reason: code });
}

function explain(code: string, { host, port }: HostPort, platform: NodeJS.Platform, error: unknown): string {
  switch (code) {
    case "EADDRINUSE":
      return `another program holds port ${port}. ${whoHolds(port, platform)}; or choose another port with --port`;
    case "EACCES":
    case "EPERM":
      return `this user may not use port ${port}; choose one from 1024 up with --port`;
    case "EADDRNOTAVAIL":
    case "EINVAL":
    case "ENOTFOUND":
      return `this machine has no address ${host}; --host 127.0.0.1 is this machine only, --host 0.0.0.0 all its addresses`;
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

function whoHolds(port: number, platform: NodeJS.Platform): string {
  switch (platform) {
    case "darwin": {
      const airPlay = "On macOS, AirPlay Receiver holds 5000 (System Settings, General, AirDrop & Handoff). ";
      return `${port === 5000 ? airPlay : ""}Find it with: lsof -nP -iTCP:${port} -sTCP:LISTEN`;
    }
    case "win32":
      return `Find it with: netstat -ano | findstr :${port}`;
    default:
      return `Find it with: ss -ltnp 'sport = :${port}' (or: lsof -nP -iTCP:${port} -sTCP:LISTEN)`;
  }
}
