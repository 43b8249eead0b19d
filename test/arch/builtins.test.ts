/** What is loaded before the flags of V8 are set (server/builtins.ts) is what the server's rooms need: the rest would be compiled from its source. */
import { isBuiltin } from "node:module";
import path from "node:path";
import { build, type Plugin } from "esbuild";
import { expect, it } from "vitest";
import { BUILTINS } from "../../server/builtins.ts";
import { ROOT } from "./sources.ts";

/** What is loaded when it is needed does not count. */
const later: Plugin = {
  name: "later",
  setup: (build) => {
    build.onResolve({ filter: /./ }, ({ kind, path: name }) => (kind === "dynamic-import" ? { path: name, external: true } : undefined));
  },
};

/** Modules of Node that a bundle of the entry requires as soon as it is loaded. */
async function builtinsOf(entry: string): Promise<Set<string>> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: "node",
    format: "cjs",
    plugins: [later],
    outdir: path.join(ROOT, "unused"),
    write: false,
    metafile: true,
  });
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  return new Set(imported.filter(({ kind, path: name }) => kind !== "dynamic-import" && isBuiltin(name)).map(({ path: name }) => name));
}

it("every module of Node that the rooms import is loaded before", async () => {
  const needed = new Set([...(await builtinsOf("server/rooms.ts"))].map((name) => `node:${name.replace(/^node:/, "")}`));
  expect(needed.size).toBeGreaterThan(10);
  expect([...needed].filter((name) => !BUILTINS.includes(name))).toEqual([]);
});
