/** The progress track: how far the run is, where checkpoints lie and where attempts took over. */
import { css, html, nothing, type TemplateResult } from "lit";
import type { RunDetail } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/states.ts";
import type { Annotations } from "../charts/annotations.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatClock, formatInteger, formatPercent } from "../components/format.ts";

export function track(run: RunDetail, { attempts, checkpoints }: Annotations): TemplateResult {
  const step = run.progress?.step ?? 0;
  const fraction = run.progress?.fraction ?? null;
  const maxSteps = run.progress?.max_steps ?? (fraction !== null && fraction > 0 ? Math.round(step / fraction) : null);
  const end = Math.max(maxSteps ?? step, 1);
  const at = (s: number): string => `${String(Math.min(100, (s / end) * 100))}%`;
  const live = LIVE_STATES.has(run.state);
  const eta = run.progress?.eta_seconds ?? null;
  const resumed = attempts.filter((span) => span.number > 1);
  const started = run.started_at === null ? "" : ` · ${formatClock(run.started_at, false)}`;
  return html`<div
    class="track"
    role="progressbar"
    aria-label="Progress"
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${fraction === null ? nothing : Math.round(fraction * 100)}
    aria-valuetext="step ${formatInteger(step)}${maxSteps === null ? "" : ` of ${formatInteger(maxSteps)}, ${formatPercent(fraction)}`}"
    data-testid="progress"
  >
    <div class="rail">
      <div class="done" ${cssProperties({ width: at(step) })}></div>
      ${attempts.map((span) =>
        span.replayed === null
          ? nothing
          : html`<div
              class="replayed"
              title="${formatInteger(span.replayed[1] - span.replayed[0])} steps replayed"
              ${cssProperties({ left: at(span.replayed[0]), width: `${String(((span.replayed[1] - span.replayed[0]) / end) * 100)}%` })}
            ></div>`,
      )}
      ${checkpoints.map((mark) => html`<div class="diamond ${mark.final ? "final" : ""}" title=${mark.name} ${cssProperties({ left: at(mark.step) })}></div>`)}
      ${live ? html`<div class="now" ${cssProperties({ left: at(step) })}></div>` : nothing}
    </div>
    <div class="labels secondary" aria-hidden="true">
      <span>${attempts.length > 1 ? "attempt 1" : "start"}${started}</span>
      ${resumed.map((span) => html`<span class="at" ${cssProperties({ left: at(span.from) })}>resumed at ${formatInteger(span.from)}</span>`)}
      <span class="end"
        >${maxSteps === null ? "" : formatInteger(maxSteps)}${live && eta !== null ? ` · about ${formatClock(Date.now() + eta * 1000, false)}` : ""}</span
      >
    </div>
  </div>`;
}

export const trackStyles = css`
  .track {
    padding: 12px 20px 0;
  }
  .rail {
    position: relative;
    height: 4px;
    background: color-mix(in srgb, var(--vscode-foreground) 16%, transparent);
  }
  .done {
    height: 100%;
    background: var(--vscode-progressBar-background);
    max-width: 100%;
  }
  .replayed {
    position: absolute;
    top: -4px;
    height: 1px;
    background: var(--secondary);
  }
  .diamond {
    position: absolute;
    top: -2px;
    width: 7px;
    height: 7px;
    margin-left: -4px;
    transform: rotate(45deg);
    background: var(--vscode-editor-background);
    border: 1px solid var(--vscode-foreground);
  }
  .diamond.final {
    background: var(--vscode-charts-blue);
    border-color: var(--vscode-charts-blue);
  }
  .now {
    position: absolute;
    top: -5px;
    width: 2px;
    height: 14px;
    margin-left: -1px;
    background: var(--vscode-foreground);
  }
  .labels {
    position: relative;
    display: flex;
    justify-content: space-between;
    height: 16px;
    margin-top: 6px;
    font-size: 11px;
    line-height: 14px;
    white-space: nowrap;
  }
  .labels .at {
    position: absolute;
    transform: translateX(-50%);
  }
  @container dashboard (max-width: 700px) {
    .labels .at {
      display: none;
    }
  }
`;
