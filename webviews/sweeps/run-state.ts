/** How a run of a sweep stands: as any run, or not made yet, or deleted. */
import { html, type TemplateResult } from "lit";
import type { SweepRunState } from "../../protocol/sweep.ts";
import { icon } from "../components/icons.ts";
import { stateIcon, stateLabel } from "../components/state-icon.ts";

export function sweepRunLabel(state: SweepRunState): string {
  return state === "waiting" ? "Waiting" : state === "deleted" ? "Deleted" : stateLabel(state);
}

export function sweepRunIcon(state: SweepRunState): TemplateResult {
  if (state === "waiting" || state === "deleted")
    return html`<span class="state" title=${sweepRunLabel(state)}>${icon(state === "waiting" ? "circle-outline" : "trash")}</span>`;
  return stateIcon(state);
}
