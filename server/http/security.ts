/**
 * Who may talk to the server. It listens on loopback only; beyond that a request must name a loopback host (a page that
 * rebinds its own name to 127.0.0.1 does not), come from no other web origin, and carry the token.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { TrainyardError } from "../../protocol/trainyard-error.ts";

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** A new token: 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString("base64url");
}

/** Are the two texts equal? Takes the same time whatever they hold. */
export function sameSecret(given: string, expected: string): boolean {
  // Hashing first makes the lengths equal, which timingSafeEqual demands.
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Checks the headers Host and Origin. The port of Host is left free: under `ssh -L` and VS Code's port forwarding the browser's port is
 * not ours, and no page of a foreign name can send a loopback Host. Origin must then be that same host and port.
 * @throws TrainyardError forbidden
 */
export function checkHostAndOrigin(host: string | undefined, origin: string | undefined): void {
  const name = host === undefined ? null : (/^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host)?.[1]?.toLowerCase() ?? null);
  if (name === null || !LOOPBACK_NAMES.has(name)) {
    throw new TrainyardError("forbidden", "the Host header does not name this machine", "Use the address that the server printed.");
  }
  if (origin === undefined || origin === `http://${host ?? ""}` || origin.startsWith("vscode-webview://")) return;
  throw new TrainyardError("forbidden", "requests of other web pages are refused", null);
}

/**
 * Checks `Authorization: Bearer <token>`.
 * @throws TrainyardError unauthorized
 */
export function checkBearer(header: string | undefined, token: string): void {
  const given = /^Bearer +(\S+)$/i.exec(header ?? "")?.[1];
  if (given !== undefined && sameSecret(given, token)) return;
  throw new TrainyardError(
    "unauthorized",
    given === undefined ? "the request carries no token" : "the token is not that of this server",
    "The token stands in the store's .server/discovery.json and changes with each start of the server.",
  );
}
