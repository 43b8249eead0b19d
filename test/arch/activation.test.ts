/** What the editor waits for when the extension is activated: code alone, none of the libraries. `npm run bench -- activation` measures it. */
import path from "node:path";
import { build, type Metafile } from "esbuild";
import { describe, expect, it } from "vitest";
import { ROOT } from "./sources.ts";

const ENTRY = "src/extension.ts";

async function bundled(): Promise<Metafile> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [ENTRY],
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["vscode"],
    outdir: path.join(ROOT, "unused"),
    write: false,
    metafile: true,
  });
  return metafile;
}

describe("activation", () => {
  it("runs no package: schemas, sockets and YAML are loaded with the first thing that needs them", async () => {
    const { inputs } = await bundled();
    const importedBy = new Map<string, string>([[ENTRY, ""]]);
    for (const file of importedBy.keys())
      for (const { path: imported, kind } of inputs[file]?.imports ?? [])
        if (kind === "import-statement" && imported in inputs && !importedBy.has(imported)) importedBy.set(imported, file);
    expect(importedBy.size).toBeGreaterThan(20);
    const packages = [...importedBy].filter(([file]) => file.includes("node_modules/"));
    expect(packages).toEqual([]);
  });
});
