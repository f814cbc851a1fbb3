// @ts-expect-error The attribute makes this the file's path.
import path from "../../node_modules/@scalar/api-reference/dist/browser/standalone.js" with { type: "file" };

/** Where the script of the API page is; the executable has a compressed one inside. */
export const SCALAR_PATH = path as string;
