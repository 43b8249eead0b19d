/** How a run's state looks and is called, everywhere. */
import { css, html, type TemplateResult } from "lit";
import type { RunState } from "../../protocol/states.ts";
import { icon, type IconName } from "./icons.ts";

const LOOKS: Readonly<Record<RunState, { readonly icon: IconName; readonly label: string; readonly spin: boolean }>> = {
  draft: { icon: "circle-outline", label: "Draft", spin: false },
  queued: { icon: "clock", label: "Queued", spin: false },
  starting: { icon: "sync", label: "Starting", spin: true },
  running: { icon: "sync", label: "Running", spin: true },
  stopping: { icon: "sync", label: "Stopping", spin: true },
  completed: { icon: "pass", label: "Completed", spin: false },
  failed: { icon: "error", label: "Failed", spin: false },
  cancelled: { icon: "circle-slash", label: "Cancelled", spin: false },
  interrupted: { icon: "warning", label: "Interrupted", spin: false },
};

export function stateLabel(state: RunState): string {
  return LOOKS[state].label;
}

export function stateIcon(state: RunState): TemplateResult {
  const look = LOOKS[state];
  return html`<span class="state state-${state}" title=${look.label}>${icon(look.icon, look.spin)}</span>`;
}

export const stateStyles = css`
  .state {
    display: inline-flex;
    --state: var(--secondary);
    color: var(--state);
  }
  .state-starting,
  .state-running,
  .state-stopping {
    --state: var(--vscode-charts-blue);
  }
  .state-completed {
    --state: var(--vscode-testing-iconPassed);
  }
  .state-failed {
    --state: var(--vscode-testing-iconFailed);
  }
  .state-cancelled {
    --state: var(--vscode-testing-iconSkipped);
  }
  .state-queued {
    --state: var(--vscode-testing-iconQueued);
  }
  .state-interrupted {
    --state: var(--vscode-charts-yellow);
  }
`;
