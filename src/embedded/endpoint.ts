import type { Secret } from "../config/secret.ts";

/** How to reach the embedded server; the same over its restarts. */
export interface EmbeddedEndpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: Secret;
  readonly database: string;
}
