import { describe, expect, it } from "vitest";
import { forbiddenImports, importRings } from "./arrows.ts";
import { importedModules, readSources, type SourceFile } from "./sources.ts";

const LONGEST_FILE = 400;
/** Files that are one table or one drawing, which a split would only scatter. */
const MAY_BE_LONGER: ReadonlySet<string> = new Set([]);

const sources = readSources();

function source(path: string, text: string): SourceFile {
  const names = importedModules(path, text);
  return {
    path,
    text,
    imports: names.filter((name) => !name.startsWith("vs") && !name.includes(":")),
    packages: names.filter((name) => name.startsWith("vs") || name.includes(":")),
  };
}

describe("import arrows", () => {
  it("finds the sources", () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.find((file) => file.path === "protocol/client.ts")?.imports).toContain("protocol/errors.ts");
  });

  it("are kept by every file", () => {
    expect(forbiddenImports(sources)).toEqual([]);
  });

  it("run in no ring", () => {
    expect(importRings(sources)).toEqual([]);
  });

  it.each([
    ["protocol/a.ts", `import "server/store/store.ts"`],
    ["webviews/a.ts", `import type { X } from "server/runs/types.ts"`],
    ["webviews/a.ts", `import * as vscode from "vscode"`],
    ["src/a.ts", `export { x } from "cli/main.ts"`],
    ["server/a.ts", `import "src/extension.ts"`],
    ["server/a.ts", `import * as vscode from "vscode"`],
    ["server/store/a.ts", `const x = await import("server/series/series.ts")`],
    ["server/runs/a.ts", `let x: import("server/http/app.ts").App`],
    ["protocol/a.ts", `import fs from "node:fs"`],
  ])("would notice %s: %s", (path, text) => {
    expect(forbiddenImports([source(path, text)])).toHaveLength(1);
  });

  it("would notice a ring", () => {
    const files = [source("protocol/a.ts", `import "protocol/b.ts"`), source("protocol/b.ts", `import "protocol/a.ts"`)];
    expect(importRings(files)).toEqual(["protocol/a.ts → protocol/b.ts → protocol/a.ts"]);
  });
});

describe("files", () => {
  it(`are at most ${LONGEST_FILE} lines long`, () => {
    const long = sources.filter(
      (file) => lineCount(file) > LONGEST_FILE && !MAY_BE_LONGER.has(file.path) && !file.path.includes("/generated/"),
    );
    expect(long.map((file) => `${file.path}: ${lineCount(file)}`)).toEqual([]);
  });

  it("have neither default exports nor barrels", () => {
    const offending = sources.filter((file) => /^export (default\b|\*)/m.test(file.text));
    expect(offending.map((file) => file.path)).toEqual([]);
  });

  it("leave nothing undone and silence no check", () => {
    const offending = sources.filter((file) => /\bTODO\b|\bFIXME\b|@ts-ignore|@ts-nocheck/.test(file.text));
    expect(offending.map((file) => file.path)).toEqual([]);
  });
});

function lineCount(file: SourceFile): number {
  return file.text.split("\n").length;
}
