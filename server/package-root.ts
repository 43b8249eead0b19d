/** Where Trainyard itself lies: the folder that holds package.json, dist/ and python/. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

declare const __TRAINYARD_VERSION__: string | undefined;

/**
 * Walks up from this module's own folder, so that it is right in a bundle (dist/) and in the sources (server/) alike.
 * @throws Error when the package is not whole
 */
export function findPackageRoot(): string {
  // The bundles are CommonJS, and the test runner gives its modules a __dirname too; import.meta would be empty in a bundle.
  for (let dir = __dirname; ; dir = path.dirname(dir)) {
    if (existsSync(path.join(dir, "package.json"))) return dir;
    if (dir === path.dirname(dir)) throw new Error(`no package.json above ${__dirname}: Trainyard is not installed whole`);
  }
}

/** Does this code run from dist/, with its workers beside it? */
export function isBundled(): boolean {
  return typeof __TRAINYARD_VERSION__ === "string";
}

/** Version of Trainyard: set by the bundler, read from package.json when the sources run. */
export function packageVersion(packageRoot: string): string {
  if (typeof __TRAINYARD_VERSION__ === "string") return __TRAINYARD_VERSION__;
  const manifest: unknown = JSON.parse(readFileSync(path.join(packageRoot, "package.json"), "utf8"));
  const version = typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : null;
  return typeof version === "string" ? version : "0.0.0";
}
