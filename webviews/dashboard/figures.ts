/** The row of key figures under the header. */
import { css, html, nothing, type TemplateResult } from "lit";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { formatDuration, formatInteger, formatPercent, formatValue, UNKNOWN } from "../components/format.ts";
import { bestLoss, headlineLosses } from "./metrics.ts";

function figure(label: string, value: string, unit = "", id = label.toLowerCase()): TemplateResult {
  return html`<div class="figure" data-testid="figure-${id}">
    <div class="secondary label">${label}</div>
    <div class="number">${value}${unit === "" ? nothing : html` <span class="secondary unit">${unit}</span>`}</div>
  </div>`;
}

/** @param elapsedBehind seconds since the progress was taken, so that the clock runs between messages */
export function figures(run: RunDetail, elapsedBehind: number): TemplateResult {
  const { progress, metrics } = run;
  const live = LIVE_STATES.has(run.state);
  const behind = live ? elapsedBehind : 0;
  const eta = progress?.eta_seconds ?? null;
  const losses = headlineLosses(metrics);
  const last = (name: string | null): number | null => {
    const summary = name === null ? undefined : metrics[name];
    return summary === undefined ? null : fromWireNumber(summary.last);
  };
  const throughput = Object.keys(metrics).find((name) => /(tokens|samples)_per_second$/.test(name) && !name.startsWith("eval")) ?? null;
  const evaluation = losses.evaluation === null ? undefined : metrics[losses.evaluation];
  const best = losses.evaluation === null || evaluation === undefined ? null : bestLoss(losses.evaluation, evaluation);
  return html`
    ${figure("Step", progress === null ? UNKNOWN : formatInteger(progress.step), progress?.max_steps ? `/ ${formatInteger(progress.max_steps)}` : "")}
    ${figure("Progress", formatPercent(progress?.fraction ?? null))}
    ${figure("Epoch", progress?.epoch == null ? UNKNOWN : progress.epoch.toFixed(2), progress?.max_epochs ? `/ ${formatValue(progress.max_epochs)}` : "")}
    ${live ? figure("ETA", eta === null ? UNKNOWN : formatDuration(eta - behind)) : nothing}
    ${figure("Elapsed", formatDuration(progress === null ? null : progress.elapsed_seconds + behind))}
    ${
      throughput === null
        ? figure("Speed", formatValue(progress?.steps_per_second ?? null), progress?.steps_per_second == null ? "" : "steps/s")
        : figure("Throughput", formatValue(last(throughput)), throughput.includes("tokens") ? "tok/s" : "samples/s", "speed")
    }
    ${figure("Loss, train", formatValue(last(losses.train)), "", "train-loss")}
    ${figure("Loss, eval", formatValue(best?.value ?? last(losses.evaluation)), best === null ? "" : `best, step ${formatInteger(best.step)}`, "eval-loss")}
  `;
}

export const figureStyles = css`
  /* One row, whatever the values are: a second one would move the charts below. */
  .figures {
    display: flex;
    gap: 4px 12px;
    justify-content: space-between;
    padding: 0 20px;
  }
  .figure {
    min-width: 64px;
    overflow: hidden;
  }
  .figure .label {
    font-size: 12px;
  }
  .figure .number {
    font-size: 15px;
    line-height: 18px;
    font-weight: 500;
    white-space: nowrap;
    overflow: hidden;
    text-overflow: ellipsis;
  }
  .figure .unit {
    font-size: 12px;
    font-weight: 400;
  }
  .dimmed .figure .number {
    color: var(--secondary);
  }
  @container dashboard (max-width: 900px) {
    .figures {
      display: grid;
      grid-template-columns: repeat(auto-fill, minmax(150px, 1fr));
    }
  }
`;
