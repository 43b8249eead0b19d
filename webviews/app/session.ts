/** The token and what to show, from the address's fragment; kept for the tab so that a reload works, and taken out of the address. */
import * as z from "zod";
import { RunId, Slug, SweepId } from "../../protocol/ids.ts";

const TOKEN_KEY = "trainyard.token";

/** What the page shows besides a single run. */
export type Page =
  | { readonly view: "compare"; readonly runs: readonly RunId[] }
  /** `filter`: the runs that a new table or plot begins with; null goes on with the last one. */
  | { readonly view: "explore" | "plots"; readonly project: string | null; readonly filter: string | null }
  /** One sweep, or the list of all. */
  | { readonly view: "sweeps"; readonly sweep: SweepId | null }
  | { readonly view: "system" };

export interface Session {
  readonly token: string | null;
  readonly run: RunId | null;
  readonly page: Page | null;
}

export function readFragment(hash: string): { token: string | null; run: RunId | null } {
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  const run = RunId.safeParse(fragment.get("run"));
  return { token: fragment.get("token"), run: run.success ? run.data : null };
}

/** `compare=<run>,<run>`; `explore=<project>` or `plots=<project>`, `explore=` and `plots=` for the whole store; `sweeps=<sweep>` or `sweeps=`; `system=`. */
export function readPage(hash: string): Page | null {
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  const compare = z.array(RunId).min(1).safeParse(fragment.get("compare")?.split(","));
  if (compare.success) return { view: "compare", runs: compare.data };
  const projectOf = (name: string | null): string | null => Slug.safeParse(name).data ?? null;
  if (fragment.has("sweeps")) return { view: "sweeps", sweep: SweepId.safeParse(fragment.get("sweeps")).data ?? null };
  if (fragment.has("system")) return { view: "system" };
  const view = (["plots", "explore"] as const).find((name) => fragment.has(name));
  return view === undefined ? null : { view, project: projectOf(fragment.get(view)), filter: null };
}

/** Where the server is: beside the page, whatever a port forwarder puts before the path (`/proxy/8123/`). Without a slash at its end. */
export function serverAddress(): string {
  return new URL(".", location.href).href.replace(/\/$/, "");
}

/** A token in the address would stay in the history and in every screenshot. */
export function openSession(): Session {
  const { token, run } = readFragment(location.hash);
  if (token !== null) sessionStorage.setItem(TOKEN_KEY, token);
  const page = readPage(location.hash);
  showInAddress(page ?? run);
  return { token: token ?? sessionStorage.getItem(TOKEN_KEY), run, page };
}

export function showInAddress(shown: RunId | Page | null): void {
  history.replaceState(null, "", `${location.pathname}${location.search}${fragmentOf(shown)}`);
}

function fragmentOf(shown: RunId | Page | null): string {
  if (shown === null) return "";
  if (typeof shown === "string") return `#run=${shown}`;
  if (shown.view === "sweeps") return `#sweeps=${shown.sweep ?? ""}`;
  if (shown.view === "system") return "#system=";
  return shown.view === "compare" ? `#compare=${shown.runs.join(",")}` : `#${shown.view}=${shown.project ?? ""}`;
}

/** What a page kept of how it was set up, as a panel of the editor does; null without any. What is read is checked by the page. */
export function readState(page: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`trainyard.${page}`) ?? "null");
  } catch {
    return null;
  }
}

export function keepState(page: string, state: unknown): void {
  localStorage.setItem(`trainyard.${page}`, JSON.stringify(state));
}
