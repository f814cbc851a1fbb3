const RESERVED_PATHS = new Set([
  "/api/health",
  "/livez",
  "/startupz",
  "/readyz",
  "/api/tables",
  "/api/pool",
  "/api/check",
  "/metrics",
  "/swagger",
]);

const RESERVED_FOLDERS = ["/swagger/", "/api/canary/", "/api/outcomes/"];

/** Whether deby itself answers this path, whatever its settings; a program's routes never see it. */
export function isReserved(path: string): boolean {
  if (RESERVED_PATHS.has(path)) return true;
  for (const folder of RESERVED_FOLDERS) if (path.startsWith(folder)) return true;
  return path.length > 1 && path.endsWith("/") && RESERVED_PATHS.has(path.slice(0, -1));
}

/** Those that tell an operator how a server fares while it shuts down. */
const ANSWERED_WHILE_DRAINING = new Set(["/api/health", "/livez", "/startupz", "/readyz", "/metrics"]);

export function isAnsweredWhileDraining(path: string): boolean {
  return ANSWERED_WHILE_DRAINING.has(path);
}

/** The path of a request's URL, without its query. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start === -1) return "/";
  const end = url.indexOf("?", start);
  return end === -1 ? url.slice(start) : url.slice(start, end);
}
