/** The token and what to show, from the address's fragment; kept for the tab so that a reload works, and taken out of the address. */
import { RunId } from "../../protocol/ids.ts";

const TOKEN_KEY = "trainyard.token";

export interface Session {
  readonly token: string | null;
  readonly run: RunId | null;
}

export function readFragment(hash: string): { token: string | null; run: RunId | null } {
  const fragment = new URLSearchParams(hash.replace(/^#/, ""));
  const run = RunId.safeParse(fragment.get("run"));
  return { token: fragment.get("token"), run: run.success ? run.data : null };
}

/** A token in the address would stay in the history and in every screenshot. */
export function openSession(): Session {
  const { token, run } = readFragment(location.hash);
  if (token !== null) sessionStorage.setItem(TOKEN_KEY, token);
  showInAddress(run);
  return { token: token ?? sessionStorage.getItem(TOKEN_KEY), run };
}

export function showInAddress(run: RunId | null): void {
  history.replaceState(null, "", `${location.pathname}${location.search}${run === null ? "" : `#run=${run}`}`);
}
