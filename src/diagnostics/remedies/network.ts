import { commandLine, onEverySystem } from "../shell.ts";
import { anywhere, askReadiness, isLoopback, makeRemedy, type Remedy, type Situation } from "./trouble.ts";

export function notListening({ at, label, trouble, subject }: Situation): Remedy {
  const cause =
    trouble.code === "ENOENT"
      ? `There is no socket ${label}. PostgreSQL is not running, or keeps its socket in another folder`
      : `${label} refuses connections. PostgreSQL is not running there, or listens only on another address or port`;
  const isShared = isLoopback(at.host) && !at.host.startsWith("/");
  const inContainer = isShared ? `; inside a container, ${at.host} is the container itself` : "";
  const start = {
    linux: "sudo systemctl start postgresql",
    macos: "brew services start postgresql",
    windows: "net start postgresql-x64-18",
  };
  const fix = onEverySystem(subject.os, (os) => start[os]);
  return makeRemedy(cause + inContainer, [...fix, anywhere("docker", "start", "NAME")], "server-start.html");
}

export function noSocketAccess({ label, subject }: Situation): Remedy {
  const cause = `This user may not use the socket ${label}. The server's unix_socket_permissions or the folder's keep it out`;
  const fix = onEverySystem(subject.os, (os) => commandLine(os, [os === "windows" ? "icacls" : "ls", "-l", label]));
  return makeRemedy(cause, fix, "runtime-config-connection.html");
}

export function unreachable({ at, label, trouble, subject }: Situation): Remedy {
  const fact = trouble.code === "ETIMEDOUT" ? `${label} does not answer` : `There is no route to ${at.host}`;
  const cause = `${fact}. A firewall or security group drops the packets, the host is wrong or off, or a VPN is missing`;
  const port = String(at.port);
  const fix = onEverySystem(subject.os, (os) => {
    if (os === "windows") return commandLine(os, ["powershell", "Test-NetConnection", at.host, "-Port", port]);
    return commandLine(os, ["nc", "-vz", os === "macos" ? "-G" : "-w", "5", at.host, port]);
  });
  return makeRemedy(cause, fix, "runtime-config-connection.html");
}

export function nameNotFound({ at, trouble, subject }: Situation): Remedy {
  const fact =
    trouble.code === "ENOTFOUND" ? `The host name ${at.host} does not exist` : `No name server answers for ${at.host}`;
  const cause = `${fact}. It is misspelt, or known only in another network: a VPN's, a cluster's or Docker's`;
  const lookUp = {
    linux: ["getent", "hosts"],
    macos: ["dscacheutil", "-q", "host", "-a", "name"],
    windows: ["nslookup"],
  };
  const fix = onEverySystem(subject.os, (os) => commandLine(os, [...lookUp[os], at.host]));
  return makeRemedy(cause, fix, "libpq-connect.html");
}

export function mute({ label, subject }: Situation): Remedy {
  const cause = `${label} accepts connections but never answers. The server is frozen or overloaded, something in between swallows what is sent, or it is no PostgreSQL at all`;
  const look = {
    linux: "sudo systemctl status postgresql",
    macos: "brew services info postgresql",
    windows: "sc query postgresql-x64-18",
  };
  const fix = onEverySystem(subject.os, (os) => look[os]);
  return makeRemedy(cause, [...fix, anywhere("docker", "unpause", "NAME")], "monitoring-ps.html");
}

export function hangsUp(situation: Situation): Remedy {
  const cause = `${situation.label} accepts connections and closes them. Docker's port proxy does so until PostgreSQL listens inside, and a load balancer with no server behind it`;
  return makeRemedy(cause, [...askReadiness(situation), anywhere("docker", "logs", "NAME")], "server-start.html");
}

export function somethingElse({ at, label, subject }: Situation): Remedy {
  const cause = `Something that is not PostgreSQL listens on ${label}. The port is wrong, or another program has taken it`;
  const look = {
    linux: `sudo ss -ltnp 'sport = :${at.port}'`,
    macos: `sudo lsof -nP -iTCP:${at.port} -sTCP:LISTEN`,
    windows: `netstat -ano | findstr :${at.port}`,
  };
  const fix = onEverySystem(subject.os, (os) => look[os]);
  return makeRemedy(cause, fix, "server-start.html");
}

export function noTls({ trouble, subject }: Situation): Remedy {
  const { sslmode } = subject.target;
  const without = (mode: string) => onEverySystem(subject.os, () => `deby check --db-sslmode ${mode}`);
  if (trouble.code === "TLS_REFUSED") {
    const cause = `The server offers no TLS, but sslmode=${sslmode} asks for it. Turn TLS on there, or do without`;
    return makeRemedy(cause, without("prefer"), "ssl-tcp.html");
  }
  const why = trouble.detail === undefined ? "" : ` (${trouble.detail})`;
  const cause = `The TLS handshake failed${why}. The certificate is not what sslmode=${sslmode} asks for: expired, for another name, or signed by an authority that PGSSLROOTCERT does not name`;
  return makeRemedy(cause, without("require"), "libpq-ssl.html");
}
