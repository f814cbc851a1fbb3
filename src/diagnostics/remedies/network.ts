import type { HostPort } from "../../config/types.ts";
import type { Fix } from "../check.ts";
import { commandLine, onEverySystem } from "../shell.ts";
import { anywhere, askReadiness, isLoopback, makeRemedy, type Remedy, type Situation } from "./trouble.ts";

export function notListening(situation: Situation): Remedy {
  const { at, label, trouble, subject } = situation;
  const { nearby = [] } = trouble;
  const samePort = nearby.find(({ port }) => port === at.port);
  if (samePort !== undefined) return onlyOnSocket(situation, samePort);
  const cause =
    trouble.code === "ENOENT"
      ? `There is no socket ${label}. PostgreSQL is not running, or keeps its socket in another folder`
      : `${label} refuses connections. PostgreSQL is not running there, or listens only on another address or port`;
  const isShared = isLoopback(at.host) && !at.host.startsWith("/");
  const inContainer = isShared ? `; inside a container, ${at.host} is the container itself` : "";
  const ports = [...new Set(nearby.map(({ port }) => port))];
  const elsewhere = ports.length > 0 ? `; a PostgreSQL on this machine has port ${ports.join(", ")}` : "";
  const start = {
    linux: "sudo systemctl start postgresql",
    macos: "brew services start postgresql",
    windows: "net start postgresql-x64-18",
  };
  const fix = onEverySystem(subject.os, (os) => start[os]);
  return makeRemedy(
    cause + elsewhere + inContainer,
    [...fix, anywhere("docker", "start", "NAME")],
    "server-start.html",
  );
}

/** It runs, and the way to it is another one. */
function onlyOnSocket({ label, subject }: Situation, { host, port }: HostPort): Remedy {
  const cause = `${label} refuses connections, though PostgreSQL runs here. It listens on its Unix socket in ${host}, but not on this address: listen_addresses leaves it out, and takes a restart to change`;
  const show = ["psql", "-h", host, "-p", String(port), "-U", "postgres", "-c", "SHOW listen_addresses"];
  const fix = onEverySystem(subject.os, (os) => commandLine(os, show));
  return makeRemedy(cause, fix, "runtime-config-connection.html");
}

export function noSocketAccess({ label, subject }: Situation): Remedy {
  const cause = `This user may not use the socket ${label}. The server's unix_socket_permissions or the folder's keep it out`;
  const fix = onEverySystem(subject.os, (os) => commandLine(os, [os === "windows" ? "icacls" : "ls", "-l", label]));
  return makeRemedy(cause, fix, "runtime-config-connection.html");
}

export function unreachable({ at, label, trouble, subject }: Situation): Remedy {
  const fact = trouble.code.includes("TIME") ? `${label} does not answer` : `There is no route to ${at.host}`;
  const cause = `${fact}. A firewall or security group drops the packets, the host is wrong or off, or a VPN is missing`;
  const port = String(at.port);
  const fix = onEverySystem(subject.os, (os) => {
    if (os === "windows") return commandLine(os, ["powershell", "Test-NetConnection", at.host, "-Port", port]);
    return commandLine(os, ["nc", "-vz", os === "macos" ? "-G" : "-w", "5", at.host, port]);
  });
  return makeRemedy(cause, fix, "runtime-config-connection.html");
}

export function nameNotFound({ at, trouble, subject }: Situation): Remedy {
  const cause =
    trouble.code === "ENOTFOUND"
      ? `The host name ${at.host} does not exist. It is misspelt, or known only in another network: a VPN's, a cluster's or Docker's`
      : `No name server answers for ${at.host}. This machine has no network, or its name servers are away or reached through a VPN that is off`;
  const lookUp = {
    linux: ["getent", "hosts"],
    macos: ["dscacheutil", "-q", "host", "-a", "name"],
    windows: ["nslookup"],
  };
  const fix = onEverySystem(subject.os, (os) => commandLine(os, [...lookUp[os], at.host]));
  return makeRemedy(cause, fix, "libpq-connect.html");
}

export function mute(situation: Situation): Remedy {
  const cause = `${situation.label} accepts connections but never answers. The server is frozen or overloaded, something in between swallows what is sent, or it is no PostgreSQL at all`;
  return makeRemedy(cause, lookAtServer(situation), "monitoring-ps.html");
}

export function loginUnanswered(situation: Situation): Remedy {
  const cause = `${situation.label} answers like PostgreSQL, but not the login. The server or what it asks about passwords is overloaded, or a pooler waits for a server`;
  return makeRemedy(cause, lookAtServer(situation), "monitoring-ps.html");
}

/** No answer, and it is not known to what. */
export function silent(situation: Situation): Remedy {
  const cause = `${situation.label} does not answer. The server is frozen or overloaded, or a firewall or a broken network swallows what is sent`;
  return makeRemedy(cause, lookAtServer(situation), "monitoring-ps.html");
}

function lookAtServer({ subject }: Situation): Fix[] {
  const look = {
    linux: "sudo systemctl status postgresql",
    macos: "brew services info postgresql",
    windows: "sc query postgresql-x64-18",
  };
  return [...onEverySystem(subject.os, (os) => look[os]), anywhere("docker", "unpause", "NAME")];
}

export function hangsUp(situation: Situation): Remedy {
  const cause = `${situation.label} accepts connections and closes them. Docker's port proxy does so until PostgreSQL listens inside, and a load balancer with no server behind it`;
  return makeRemedy(cause, [...askReadiness(situation), anywhere("docker", "logs", "NAME")], "server-start.html");
}

export function somethingElse({ at, label, trouble, subject }: Situation): Remedy {
  const what = trouble.detail === undefined ? "Something" : capitalized(trouble.detail);
  const cause = `${what} answers at ${label}, not PostgreSQL. The port is wrong, or another program has taken it`;
  const look = {
    linux: `sudo ss -ltnp 'sport = :${at.port}'`,
    macos: `sudo lsof -nP -iTCP:${at.port} -sTCP:LISTEN`,
    windows: `netstat -ano | findstr :${at.port}`,
  };
  const fix = onEverySystem(subject.os, (os) => look[os]);
  return makeRemedy(cause, fix, "server-start.html");
}

function capitalized(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
