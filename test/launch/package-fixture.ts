/** A package root as it ships (dist/ and python/), built from the sources as they are now. */
import { build } from "esbuild";
import { mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

const REPOSITORY = path.resolve(import.meta.dirname, "../..");

export interface PackageFixture {
  readonly root: string;
  /** A folder that goes with the fixture. */
  readonly scratch: string;
  remove(): Promise<void>;
}

export async function buildPackage(): Promise<PackageFixture> {
  const root = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-package-")));
  await build({
    entryPoints: { supervisor: path.join(REPOSITORY, "server/supervisor/main.ts") },
    outdir: path.join(root, "dist"),
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    logLevel: "silent",
  });
  await symlink(path.join(REPOSITORY, "python"), path.join(root, "python"));
  const scratch = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-scratch-")));
  return {
    root,
    scratch,
    remove: async () => {
      await rm(root, { recursive: true, force: true });
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The same with what a server needs that runs from its sources in this process. */
export async function buildServedPackage(): Promise<PackageFixture> {
  const fixture = await buildPackage();
  for (const name of ["node_modules", "package.json"]) await symlink(path.join(REPOSITORY, name), path.join(fixture.root, name));
  return fixture;
}

/** Polls until `probe` gives something. @throws Error after `ms` */
export async function until<T>(what: string, probe: () => T | Promise<T>, ms = 10_000): Promise<NonNullable<T>> {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value !== null && value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
