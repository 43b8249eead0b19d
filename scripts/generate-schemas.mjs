// Writes protocol/generated/ from the shapes in protocol/: the JSON Schema for *.run.yaml, what the Python side is tested against, and a
// client from the OpenAPI document; and the tools for agents into package.json. `node scripts/generate-schemas.mjs [--check]`: with --check nothing is written, and a stale file is an error.
import { build } from "esbuild";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { clientCode } from "./lib/client-code.mjs";

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
  ProbeAnswer: { module: "documents" },
};

const manifestFile = path.join(root, "package.json");

/**
 * The generated files as they should be.
 * @returns {Promise<{ schemas: Map<string, string>, manifest: string }>} file name in protocol/generated → text; the text of package.json
 */
export async function generateSchemas() {
  // Node 20 does not read TypeScript, so the shapes are bundled into one module first.
  const source = [
    `export { z } from "zod";`,
    `export { AGENT_TOOLS } from "./protocol/agent/tools.ts";`,
    `export { openApiDocument } from "./server/http/openapi.ts";`,
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
    const { z, AGENT_TOOLS, openApiDocument, ...types } = await import(pathToFileURL(bundle).href);
    const files = new Map();
    for (const [name, { io = "output" }] of Object.entries(shapes)) {
      const schema = { $id: `trainyard:${name}`, title: name, ...z.toJSONSchema(types[name], { io, target: "draft-2020-12" }) };
      files.set(`${kebab(name)}.schema.json`, JSON.stringify(schema, null, 2) + "\n");
    }
    files.set("api-client.ts", clientCode(openApiDocument("")));
    return { schemas: files, manifest: await withTools(AGENT_TOOLS.map((tool) => languageModelTool(z, tool))) };
  } finally {
    await rm(bundle, { force: true });
  }
}

/** A tool as the editor's manifest declares it. */
function languageModelTool(z, { name, title, description, input }) {
  const inputSchema = z.toJSONSchema(input, { io: "input", target: "draft-7" });
  delete inputSchema.$schema;
  return {
    name: `trainyard_${name}`,
    displayName: title,
    toolReferenceName: `trainyard-${name.replaceAll("_", "-")}`,
    canBeReferencedInPrompt: true,
    icon: "$(graph-line)",
    tags: ["trainyard", "machine-learning"],
    modelDescription: description,
    userDescription: `${title} (Trainyard)`,
    inputSchema,
  };
}

async function withTools(languageModelTools) {
  const manifest = JSON.parse(await readFile(manifestFile, "utf8"));
  return `${JSON.stringify({ ...manifest, contributes: { ...manifest.contributes, languageModelTools } }, null, 2)}\n`;
}

/** What differs between the committed files and the shapes, as sentences; empty when nothing does. */
export async function staleSchemas() {
  const { schemas: wanted, manifest } = await generateSchemas();
  const present = await readdir(folder).catch(() => []);
  const problems = present.filter((file) => !wanted.has(file)).map((file) => `${file} belongs to no shape`);
  for (const [file, text] of wanted) {
    const found = await readFile(path.join(folder, file), "utf8").catch(() => null);
    if (found === null) problems.push(`${file} is missing`);
    else if (found !== text) problems.push(`${file} is not what protocol/ says now`);
  }
  if (manifest !== (await readFile(manifestFile, "utf8"))) problems.push("package.json does not declare the tools of protocol/agent");
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
    const { schemas, manifest } = await generateSchemas();
    await writeFile(manifestFile, manifest);
    for (const [file, text] of schemas) await writeFile(path.join(folder, file), text);
  }
}
