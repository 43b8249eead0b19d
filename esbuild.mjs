// Builds everything that ships, one target each: extension host, server, catalogue worker, supervisor, cli, webviews.
// `node esbuild.mjs [--watch] [--production]`
import { build, context } from "esbuild";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes("--watch");
const production = process.argv.includes("--production");
const { version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));

const canvasFreeVega = path.join(root, "node_modules/vega-canvas/build/vega-canvas.browser.js");

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  sourcemap: production ? false : "linked",
  minify: production,
  legalComments: "none",
  logLevel: "warning",
  define: { __TRAINYARD_VERSION__: JSON.stringify(version) },
};

/** @type {import("esbuild").BuildOptions} */
const node = {
  ...common,
  platform: "node",
  format: "cjs",
  target: "node20",
  outExtension: { ".js": ".cjs" },
  // require is enough between CommonJS bundles; import() would start the loader of ES modules.
  supported: { "dynamic-import": false },
};

/**
 * A module in a bundle of its own, which the others load when they need it: V8 reads through all of a file before it runs the first line.
 * @param {RegExp} module the place as the dynamic import names it
 * @param {string} bundle
 * @returns {import("esbuild").Plugin}
 */
const apart = (module, bundle) => ({
  name: `apart:${bundle}`,
  setup(build) {
    let found = false;
    build.onResolve({ filter: module }, ({ kind }) => {
      if (kind !== "dynamic-import") return undefined;
      found = true;
      return { path: bundle, external: true };
    });
    // One that nobody imports would lie in the other bundle again, and nobody would notice.
    build.onEnd(() => ({ errors: found ? [] : [{ text: `no dynamic import of ${String(module)} is there to become ${bundle}` }] }));
  },
});
const roomsApart = apart(/\/rooms\.ts$/, "./server-rooms.cjs");
const mcpApart = apart(/\/mcp\/server\.ts$/, "./mcp.cjs");

/** What the extension loads later, by its place in the repository: found while the extension is bundled. */
const loadedLater = new Set();
const LATER_BUNDLE = "./extension-later.cjs";
/**
 * All that the extension imports with `import()` lies in one second bundle, a function for each module: the first is a sixth of the whole, and
 * the two share nothing that has a state.
 * @type {import("esbuild").Plugin}
 */
const laterApart = {
  name: "later-apart",
  setup(build) {
    build.onResolve({ filter: /\.ts$/ }, ({ kind, path: name, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      const place = path.relative(root, path.resolve(resolveDir, name)).replaceAll(path.sep, "/");
      loadedLater.add(place);
      return { path: place, namespace: "later" };
    });
    build.onLoad({ filter: /.*/, namespace: "later" }, ({ path: place }) => ({
      contents: `module.exports = require(${JSON.stringify(LATER_BUNDLE)})[${JSON.stringify(place)}]();`,
    }));
    build.onResolve({ filter: /^\.\/extension-later\.cjs$/ }, () => ({ path: LATER_BUNDLE, external: true }));
  },
};
/** @type {import("esbuild").Plugin} */
const laterEntry = {
  name: "later-entry",
  setup(build) {
    build.onResolve({ filter: /^later$/ }, ({ path }) => ({ path, namespace: "later-entry" }));
    build.onLoad({ filter: /.*/, namespace: "later-entry" }, () => {
      if (loadedLater.size === 0) return { errors: [{ text: "what is loaded later is known once the extension is bundled: build both" }] };
      const entries = [...loadedLater].sort().map((place) => `${JSON.stringify(place)}: () => require(${JSON.stringify(`./${place}`)})`);
      return { contents: `module.exports = {\n${entries.join(",\n")}\n};`, resolveDir: root };
    });
  },
};

/** What an idle server never needs. V8 keeps the source and the scopes of all that is loaded: `npm run bench -- idle`. */
const importApart = apart(/\/import\/import-file\.ts$/, "./import.cjs");
const exportApart = apart(/\/export\/formats\.ts$/, "./export.cjs");
const chartsApart = apart(/\/chart-svg\.ts$/, "./chart-svg.cjs");
// These two run in workers; in the server's own thread only where the sources are not bundled.
const keeperApart = apart(/^\.\/keeper\.ts$/, "./catalog-worker.cjs");
const parquetApart = apart(/^\.\/parquet\.ts$/, "./preview-worker.cjs");
/**
 * A library that several bundles share, each of which requires it once the first module of its own that needs it is loaded.
 * @param {string} name
 * @returns {import("esbuild").Plugin}
 */
const shared = (name) => ({
  name: `shared:${name}`,
  setup(build) {
    build.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: `./${name}.cjs`, external: true }));
  },
});
const libraries = [shared("yaml"), shared("apache-arrow")];

const machineApart = apart(/^systeminformation$/, "./systeminformation.cjs");

/** @type {Record<string, import("esbuild").BuildOptions>} */
const targets = {
  extension: {
    ...node,
    entryPoints: { extension: "src/extension.ts" },
    outdir: "dist",
    external: ["vscode"],
    plugins: [...libraries, laterApart],
  },
  extensionLater: {
    ...node,
    entryPoints: { "extension-later": "later" },
    outdir: "dist",
    external: ["vscode"],
    plugins: [...libraries, laterEntry],
  },
  server: { ...node, entryPoints: { server: "server/main.ts" }, outdir: "dist", plugins: [roomsApart] },
  rooms: {
    ...node,
    entryPoints: { "server-rooms": "server/rooms.ts" },
    outdir: "dist",
    plugins: [...libraries, importApart, exportApart, keeperApart, parquetApart, machineApart],
  },
  libraries: { ...node, entryPoints: { yaml: "yaml", "apache-arrow": "apache-arrow" }, outdir: "dist" },
  import: { ...node, entryPoints: { import: "server/import/import-file.ts" }, outdir: "dist", plugins: libraries },
  export: { ...node, entryPoints: { export: "server/export/formats.ts" }, outdir: "dist", plugins: [...libraries, chartsApart] },
  systeminformation: { ...node, entryPoints: { systeminformation: "systeminformation" }, outdir: "dist" },
  // The build for browsers asks for no canvas, which pictures as text do not need.
  chartSvg: {
    ...node,
    entryPoints: { "chart-svg": "server/export/chart-svg.ts" },
    outdir: "dist",
    alias: { "vega-canvas": canvasFreeVega },
  },
  catalogWorker: { ...node, entryPoints: { "catalog-worker": "server/catalog/worker.ts" }, outdir: "dist" },
  previewWorker: { ...node, entryPoints: { "preview-worker": "server/preview/worker.ts" }, outdir: "dist" },
  supervisor: { ...node, entryPoints: { supervisor: "server/supervisor/main.ts" }, outdir: "dist" },
  cli: {
    ...node,
    entryPoints: { cli: "cli/main.ts" },
    outdir: "dist",
    banner: { js: "#!/usr/bin/env node" },
    plugins: [...libraries, roomsApart, mcpApart],
  },
  client: {
    ...common,
    platform: "node",
    format: "esm",
    target: "node20",
    entryPoints: { trainyard: "client/trainyard.ts" },
    outdir: "dist/client",
    outExtension: { ".js": ".mjs" },
  },
  mcp: { ...node, entryPoints: { mcp: "cli/mcp/server.ts" }, outdir: "dist" },
  webviews: {
    ...common,
    platform: "browser",
    format: "esm",
    target: "es2022",
    splitting: true,
    entryPoints: {
      dashboard: "webviews/dashboard/main.ts",
      builder: "webviews/builder/main.ts",
      compare: "webviews/compare/main.ts",
      explore: "webviews/explore/main.ts",
      plots: "webviews/plots/main.ts",
      sweeps: "webviews/sweeps/main.ts",
      system: "webviews/system/main.ts",
      app: "webviews/app/main.ts",
      docs: "webviews/docs/main.ts",
    },
    outdir: "dist/webviews",
    loader: { ".ttf": "file", ".css": "css" },
    tsconfig: "webviews/tsconfig.json",
  },
};

async function copyAssets() {
  await mkdir(path.join(root, "dist/webviews"), { recursive: true });
  const copies = [
    ["node_modules/sql.js/dist/sql-wasm.wasm", "dist/sql-wasm.wasm"],
    ["node_modules/@vscode/codicons/dist/codicon.css", "dist/webviews/codicon.css"],
    ["node_modules/@vscode/codicons/dist/codicon.ttf", "dist/webviews/codicon.ttf"],
    ["webviews/app/index.html", "dist/webviews/index.html"],
    ["webviews/docs/index.html", "dist/webviews/docs.html"],
    // The editor's check of *.run.yaml (package.json, yamlValidation).
    ["protocol/generated/run-spec.schema.json", "dist/run-spec.schema.json"],
  ];
  for (const [from, to] of copies) if (existsSync(path.join(root, from))) await cp(path.join(root, from), path.join(root, to));
}

/** What makes `dist/client` a package that npm installs: its types, which need no build, and a package.json. */
async function describeClient() {
  const { transpileDeclaration } = (await import("typescript")).default;
  const declaration = async (name) => {
    const fileName = path.join(root, "client", name);
    const { outputText } = transpileDeclaration(await readFile(fileName, "utf8"), { fileName, compilerOptions: { removeComments: false } });
    return outputText.replace(/(["'])\.\/(\w+)\.ts\1/g, '"./$2.mjs"');
  };
  await mkdir(path.join(root, "dist/client"), { recursive: true });
  await writeFile(path.join(root, "dist/client/trainyard.d.mts"), await declaration("trainyard.ts"));
  await writeFile(path.join(root, "dist/client/api.d.mts"), await declaration("api.ts"));
  const exports = { ".": { types: "./trainyard.d.mts", default: "./trainyard.mjs" } };
  const manifest = { name: "trainyard", version, type: "module", license: "MIT", engines: { node: ">=20" }, exports };
  await writeFile(path.join(root, "dist/client/package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

const only = process.argv
  .find((a) => a.startsWith("--only="))
  ?.slice("--only=".length)
  .split(",");
const chosen = Object.entries(targets).filter(([name]) => only === undefined || only.includes(name));
if (!watch && only === undefined) await rm(path.join(root, "dist"), { recursive: true, force: true });
await copyAssets();
if (only === undefined || only.includes("client")) await describeClient();
if (watch) {
  for (const [, options] of chosen) await (await context(options)).watch();
  console.log("watching");
} else {
  for (const [, options] of chosen) await build(options);
}
