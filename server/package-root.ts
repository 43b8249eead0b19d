/** Where Trainyard itself lies: the folder that holds package.json, dist/ and python/. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

declare const __TRAINYARD_VERSION__: string | undefined;

/**
 * Walks up from this module's own folder, so that it is right in a bundle (dist/) and in the sources (server/) alike.
 * @throws Error when the package is not whole
 */
export function findPackageRoot(): string {
  // A CommonJS bundle has __dirname and an empty import.meta; the sources have import.meta.
  const start = typeof __dirname === "string" ? __dirname : path.dirname(fileURLToPath(import.meta.url));
  for (let dir = start; ; dir = path.dirname(dir)) {
    if (existsSync(path.join(dir, "package.json"))) return dir;
    if (dir === path.dirname(dir)) throw new Error(`no package.json above ${start}: Trainyard is not installed whole`);
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
