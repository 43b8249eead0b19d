// Writes protocol/generated/*.schema.json from the shapes in protocol/: the JSON Schema for *.run.yaml, and what the Python side is
// tested against. `node scripts/generate-schemas.mjs [--check]`: with --check nothing is written, and a stale file is an error.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = path.join(root, "protocol/generated");

/** Shape → module that defines it. `input` shapes are what a person writes: fields with a default may be missing. */
const shapes = {
  RunRecord: { module: "run" },
  AttemptRecord: { module: "run" },
  ProcessRecord: { module: "run" },
  ExitRecord: { module: "run" },
  StopRequest: { module: "run" },
  ReportRecord: { module: "report" },
  RunEvent: { module: "events" },
  ResolvedSpec: { module: "spec" },
  RunSpec: { module: "spec", io: "input" },
  RecipeCatalogue: { module: "recipe" },
  PreflightReport: { module: "recipe" },
  DatasetPreview: { module: "documents" },
  RenderedDataset: { module: "documents" },
};

/**
 * The schemas as they should be.
 * @returns {Promise<Map<string, string>>} file name → text
 */
export async function generateSchemas() {
  // Node 20 does not read TypeScript, so the shapes are bundled into one module first.
  const source = [
    `export { z } from "zod";`,
    ...Object.entries(shapes).map(([name, { module }]) => `export { ${name} } from "./protocol/${module}.ts";`),
  ].join("\n");
  const bundled = await build({
    stdin: { contents: source, resolveDir: root, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    write: false,
    logLevel: "warning",
  });
  const scratch = path.join(root, "node_modules/.cache/trainyard");
  await mkdir(scratch, { recursive: true });
  const bundle = path.join(scratch, `shapes-${process.pid}-${Date.now()}.mjs`);
  await writeFile(bundle, bundled.outputFiles[0].contents);
  try {
    const { z, ...types } = await import(pathToFileURL(bundle).href);
    const files = new Map();
    for (const [name, { io = "output" }] of Object.entries(shapes)) {
      const schema = { $id: `trainyard:${name}`, title: name, ...z.toJSONSchema(types[name], { io, target: "draft-2020-12" }) };
      files.set(`${kebab(name)}.schema.json`, JSON.stringify(schema, null, 2) + "\n");
    }
    return files;
  } finally {
    await rm(bundle, { force: true });
  }
}

/** What differs between the committed files and the shapes, as sentences; empty when nothing does. */
export async function staleSchemas() {
  const wanted = await generateSchemas();
  const present = await readdir(folder).catch(() => []);
  const problems = present.filter((file) => !wanted.has(file)).map((file) => `${file} belongs to no shape`);
  for (const [file, text] of wanted) {
    const found = await readFile(path.join(folder, file), "utf8").catch(() => null);
    if (found === null) problems.push(`${file} is missing`);
    else if (found !== text) problems.push(`${file} is not what protocol/ says now`);
  }
  return problems;
}

function kebab(name) {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (process.argv.includes("--check")) {
    const problems = await staleSchemas();
    for (const problem of problems) console.error(problem);
    if (problems.length > 0) {
      console.error("Run `node scripts/generate-schemas.mjs` and commit what it writes.");
      process.exitCode = 1;
    }
  } else {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    for (const [file, text] of await generateSchemas()) await writeFile(path.join(folder, file), text);
  }
}
