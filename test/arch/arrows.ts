/** The import arrows of the house (docs/architecture.md): who may know whom. */
import type { SourceFile } from "./sources.ts";

interface Room {
  /** Files of the room; the first room that fits a file is the file's. */
  readonly files: RegExp;
  /** What its files may import besides their own room. */
  readonly mayImport: readonly RegExp[];
  /** Packages that only this kind of room may use are refused elsewhere. */
  readonly refusedPackages: readonly RegExp[];
}

const PROTOCOL = /^protocol\//;
const NODE_ONLY = /^(node:|ws$|hono|@hono\/|commander$|sql\.js$|systeminformation$)/;
const EDITOR = /^vscode$/;
const PAGE = /^(lit|lit\/.*|vega.*|@vscode-elements\/.*|@vscode\/codicons)$/;
/** Small modules at the server's root that every part of the server may use. */
const SERVER_ROOT = /^server\/(package-root|errno|log)\.ts$/;

export const ROOMS: Readonly<Record<string, Room>> = {
  protocol: { files: PROTOCOL, mayImport: [], refusedPackages: [NODE_ONLY, EDITOR, PAGE] },
  // Published by itself and run inside of trainings: Node's own modules, and of the protocol what needs no package.
  client: {
    files: /^client\//,
    mayImport: [/^protocol\/(metric-file|metric-records|id-text|report|run|spec)\.ts$/],
    refusedPackages: [/^(?!node:)/],
  },
  webviews: { files: /^webviews\//, mayImport: [PROTOCOL], refusedPackages: [NODE_ONLY, EDITOR] },
  extension: { files: /^src\//, mayImport: [PROTOCOL], refusedPackages: [PAGE] },
  cli: { files: /^cli\//, mayImport: [PROTOCOL, /^server\//], refusedPackages: [EDITOR, PAGE] },
  "server/store": { files: /^server\/store\//, mayImport: [PROTOCOL], refusedPackages: [EDITOR, PAGE] },
  "server/series": { files: /^server\/series\//, mayImport: [PROTOCOL, /^server\/store\//, SERVER_ROOT], refusedPackages: [EDITOR, PAGE] },
  "server/catalog": {
    files: /^server\/catalog\//,
    mayImport: [PROTOCOL, /^server\/(store|series)\//, SERVER_ROOT],
    refusedPackages: [EDITOR, PAGE],
  },
  // The life of runs stands below http and beside the catalogue.
  "server/below http": {
    files: /^server\/(runs|supervisor|launch|recipes|devices|discovery|notices|stores)\//,
    mayImport: [PROTOCOL, /^server\/(store|series)\//, SERVER_ROOT],
    refusedPackages: [EDITOR, PAGE, /^(hono|@hono\/|ws$)/],
  },
  // Writes and reads files of points; reports hold pictures that Vega draws as text.
  "server/export": {
    files: /^server\/export\//,
    mayImport: [PROTOCOL, /^server\/(store|series)\//, SERVER_ROOT],
    refusedPackages: [EDITOR, /^(lit|lit\/.*|@vscode-elements\/.*|@vscode\/codicons)$/],
  },
  "server/preview": {
    files: /^server\/preview\//,
    mayImport: [PROTOCOL, /^server\/store\//, SERVER_ROOT],
    refusedPackages: [EDITOR, PAGE],
  },
  "server/import": {
    files: /^server\/import\//,
    mayImport: [PROTOCOL, /^server\/(store|series)\//, /^server\/export\/rows\.ts$/, SERVER_ROOT],
    refusedPackages: [EDITOR, PAGE],
  },
  "server/http": { files: /^server\/http\//, mayImport: [PROTOCOL, /^server\/(?!http\/)/], refusedPackages: [EDITOR, PAGE] },
  server: { files: /^server\//, mayImport: [PROTOCOL, /^server\//], refusedPackages: [EDITOR, PAGE] },
};

/** Every import that no arrow allows, as a sentence. */
export function forbiddenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found = Object.entries(ROOMS).find(([, room]) => room.files.test(file.path));
    if (found === undefined) return [`${file.path} lies in no room`];
    const [name, room] = found;
    const arrows = file.imports
      .filter((target) => !room.files.test(target) && !room.mayImport.some((allowed) => allowed.test(target)))
      .map((target) => `${file.path} imports ${target}, which ${name} may not`);
    const packages = file.packages
      .filter((target) => room.refusedPackages.some((refused) => refused.test(target)))
      .map((target) => `${file.path} imports the package ${target}, which ${name} may not`);
    return [...arrows, ...packages];
  });
}

/** Modules that import each other in a ring, each ring once, as `a → b → a`. */
export function importRings(files: readonly SourceFile[]): string[] {
  const known = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const rings: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen !== -1) {
      rings.push([...trail.slice(seen), path].join(" → "));
      return;
    }
    if (done.has(path)) return;
    for (const target of known.get(path)?.imports ?? []) walk(target, [...trail, path]);
    done.add(path);
  };
  for (const path of known.keys()) walk(path, []);
  return rings;
}
