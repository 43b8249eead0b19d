/** The web application's files. They hold nothing secret, so they need no token; the page gets it from the address's fragment. */
import { readFile, realpath } from "node:fs/promises";
import path from "node:path";
import { TrainyardError } from "../../protocol/errors.ts";
import { systemCode } from "../store/fs-errors.ts";

/** Pages that have a name instead of a file's. */
const PAGES: Readonly<Record<string, string>> = { "/": "index.html", "/docs": "docs.html" };

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".map": "application/json; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ttf": "font/ttf",
  ".woff2": "font/woff2",
};

/**
 * @param urlPath path of the request, still percent-encoded or not
 * @param host the checked Host header; its WebSocket is named in the policy because not every browser counts it as 'self'
 * @throws TrainyardError not_found, for every path that is not a file below `root`
 */
export async function serveStatic(root: string, urlPath: string, host: string): Promise<Response> {
  const name = PAGES[urlPath] ?? decode(urlPath).slice(1);
  const type = TYPES[path.extname(name)];
  // A file of an unknown kind is none of the application's.
  if (type === undefined || name.includes("\0") || name.includes("\\")) throw notFound(urlPath);
  let content: Uint8Array<ArrayBuffer>;
  try {
    const base = await realpath(root);
    const file = await realpath(path.resolve(base, name));
    if (!file.startsWith(base + path.sep)) throw notFound(urlPath);
    content = new Uint8Array(await readFile(file));
  } catch (error) {
    if (error instanceof TrainyardError) throw error;
    if (!["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP"].includes(systemCode(error) ?? "")) throw error;
    if (PAGES[urlPath] !== undefined) throw new TrainyardError("not_found", "the web application is not built", "Run `npm run build`.");
    throw notFound(urlPath);
  }
  return new Response(content, {
    headers: { "content-type": type, "cache-control": "no-cache", "content-security-policy": policy(host) },
  });
}

function policy(host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    // Charts and components set styles on elements; a style cannot run code.
    "style-src 'self' 'unsafe-inline'",
    "font-src 'self'",
    "img-src 'self' data: blob:",
    "media-src blob:",
    `connect-src 'self' ws://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function decode(urlPath: string): string {
  try {
    return decodeURIComponent(urlPath);
  } catch {
    throw notFound(urlPath);
  }
}

function notFound(urlPath: string): TrainyardError {
  return new TrainyardError("not_found", `there is no file ${urlPath}`);
}
