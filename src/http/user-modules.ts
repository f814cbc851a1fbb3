import * as elysia from "elysia";
import * as debyElysia from "../elysia.ts";
import * as deby from "../index.ts";

let isInstalled = false;

/**
 * Gives modules that are loaded at run time the `elysia`, `deby` and `deby/elysia` that are inside this program: a compiled executable
 * does not find the user's own, and another copy of Elysia would have other classes.
 */
export function installUserModules(): void {
  if (isInstalled) return;
  isInstalled = true;
  Bun.plugin({
    name: "deby-modules",
    setup(build) {
      build.module("elysia", () => ({ exports: { ...elysia }, loader: "object" }));
      build.module("deby", () => ({ exports: { ...deby }, loader: "object" }));
      build.module("deby/elysia", () => ({ exports: { ...debyElysia }, loader: "object" }));
    },
  });
}
