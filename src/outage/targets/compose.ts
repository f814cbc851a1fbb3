import { resolve } from "node:path";
import { DebyError } from "../../errors.ts";
import { docker } from "./docker-cli.ts";

const LIMIT_MS = 10_000;
const PROJECT_FOLDER = "com.docker.compose.project.working_dir";
const SERVICE = "com.docker.compose.service";

/** A container of the project in a folder. */
interface ComposeContainer {
  readonly name: string;
  readonly service: string;
  readonly image: string;
}

/**
 * The container of the service in this folder's compose project. Compose itself is not asked, since every version of
 * it is called differently, and all of them label what they make.
 * @param service undefined: the one whose image is a Postgres
 * @throws DebyError USAGE
 */
export async function findComposeContainer(folder: string, service: string | undefined): Promise<string> {
  const filter = `label=${PROJECT_FOLDER}=${resolve(folder)}`;
  const format = `{{.Names}}\t{{.Label "${SERVICE}"}}\t{{.Image}}`;
  const { stdout } = await docker(["ps", "--all", "--filter", filter, "--format", format], { limitMs: LIMIT_MS });
  const containers = stdout.split("\n").flatMap((line): ComposeContainer[] => {
    const [name, label, image] = line.split("\t");
    return name && label && image ? [{ name, service: label, image }] : [];
  });
  return chooseContainer(containers, { folder: resolve(folder), service }).name;
}

/** @throws DebyError USAGE if there is none, or more than one */
export function chooseContainer(
  containers: readonly ComposeContainer[],
  { folder, service }: { readonly folder: string; readonly service: string | undefined },
): ComposeContainer {
  const services = [...new Set(containers.map((container) => container.service))].join(", ") || "none";
  const found = containers.filter((container) =>
    service === undefined ? /postg|timescale/i.test(container.image) : container.service === service,
  );
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const what = service === undefined ? "service of a Postgres image" : `service ${service}`;
  const count = found.length === 0 ? "no" : String(found.length);
  throw new DebyError(
    "USAGE",
    `There ${found.length > 1 ? "are" : "is"} ${count} container${found.length > 1 ? "s" : ""} of a ${what} in the compose project of ${folder} (services: ${services}). ` +
      "Start it with docker compose up, or name the service: --service NAME",
  );
}
