/** A route as Elysia knows it: `GET /products/:id`, `ALL /files/*`, `WS /live`. */
export interface KnownRoute {
  readonly method: string;
  readonly path: string;
}

interface CompiledRoute {
  readonly method: string;
  readonly segments: readonly string[];
}

/** Answers which methods a path knows, for 405 and OPTIONS. Asked only when no route matched: it need not be fast. */
export class RouteTable {
  readonly #routes: readonly CompiledRoute[];

  constructor(routes: Iterable<KnownRoute>) {
    this.#routes = Array.from(routes, ({ method, path }) => ({ method, segments: segmentsOf(path) }));
  }

  /** Sorted, with the HEAD that every GET brings and OPTIONS; empty for an unknown path. */
  methodsOf(path: string): readonly string[] {
    const segments = segmentsOf(path);
    const methods = new Set<string>();
    for (const route of this.#routes) {
      if (!matches(route.segments, segments)) continue;
      methods.add(route.method === "WS" ? "GET" : route.method);
    }
    if (methods.size === 0) return [];
    if (methods.has("GET")) methods.add("HEAD");
    methods.add("OPTIONS");
    return [...methods].sort();
  }
}

/** A trailing slash is no segment: Elysia takes `/a` and `/a/` for the same. */
function segmentsOf(path: string): string[] {
  return path.split("/").filter((segment, index, all) => segment !== "" || (index > 0 && index < all.length - 1));
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  for (let index = 0; index < pattern.length; index++) {
    const expected = pattern[index] ?? "";
    const actual = path[index];
    if (expected === "*") return true;
    if (actual === undefined) return expected.startsWith(":") && expected.endsWith("?");
    if (!expected.startsWith(":") && expected !== actual) return false;
  }
  return path.length <= pattern.length;
}
