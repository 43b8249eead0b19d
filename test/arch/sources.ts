/** The project's own sources and what each imports, as TypeScript reads them. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const ROOMS = ["protocol", "client", "server", "cli", "src", "webviews"];

export interface SourceFile {
  /** Relative to the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Modules of the project, relative to the checkout. */
  readonly imports: readonly string[];
  /** Everything else: packages and Node's own modules. */
  readonly packages: readonly string[];
}

export function readSources(): SourceFile[] {
  return ROOMS.flatMap((room) => filesUnder(path.join(ROOT, room))).map(readSource);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && !entry.parentPath.includes("node_modules"))
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function readSource(file: string): SourceFile {
  const text = readFileSync(file, "utf8");
  const imports: string[] = [];
  const packages: string[] = [];
  for (const name of importedModules(file, text)) {
    if (name.startsWith(".")) imports.push(relative(path.resolve(path.dirname(file), name)));
    else packages.push(name);
  }
  return { path: relative(file), text, imports, packages };
}

/** Names in import and export declarations, import types and `import(…)`, types included: an arrow is an arrow. */
export function importedModules(file: string, text: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    const module =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
          ? node.argument.literal
          : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
            ? node.arguments[0]
            : undefined;
    if (module !== undefined && ts.isStringLiteralLike(module)) names.push(module.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022));
  return names;
}

function relative(file: string): string {
  return path.relative(ROOT, file).split(path.sep).join("/");
}
