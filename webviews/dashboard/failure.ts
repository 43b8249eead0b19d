/** Why a run failed: one line above the charts with the cause, its evidence and what to do next. */
import { css, html, nothing, type TemplateResult } from "lit";
import type { RunDetail } from "../../protocol/queries.ts";
import { firstNotFinite, notFiniteSentence } from "../../protocol/not-finite.ts";
import { formatClock } from "../components/format.ts";
import { icon } from "../components/icons.ts";

export interface FailureActions {
  readonly canResume: boolean;
  readonly resume: () => void;
  readonly showLog: () => void;
}

export function failureBanner(run: RunDetail, actions: FailureActions): TemplateResult | typeof nothing {
  if (run.damage !== null)
    return html`<div class="banner warning" role="alert" data-testid="damage">
      ${icon("warning")}<span><b>A file of this run cannot be read.</b> ${run.damage}</span>
    </div>`;
  const { failure, state, state_reason: reason } = run;
  if (failure === null && state !== "failed" && state !== "interrupted") return nothing;
  const warning = state === "interrupted";
  return html`<div class="banner ${warning ? "warning" : "error"}" role="alert" data-testid="failure">
    ${icon(warning ? "warning" : "error")}
    <div>
      <div>
        <b>${failure?.message ?? reason ?? "The run ended before it was done."}</b>
        ${failure === null ? nothing : html`<span> ${failure.advice}</span>`}
      </div>
      ${
        failure === null || failure.evidence.length === 0
          ? nothing
          : html`<details>
              <summary>Evidence from the log</summary>
              <pre class="mono">${failure.evidence.filter((line, i, all) => line !== all[i - 1]).join("\n")}</pre>
            </details>`
      }
      <div class="banner-actions">
        ${actions.canResume ? html`<button class="link" data-testid="failure-resume" @click=${actions.resume}>Resume from the last good checkpoint</button>` : nothing}
        <button class="link" @click=${actions.showLog}>Show log</button>
      </div>
    </div>
  </div>`;
}

/** What a run that goes on does not tell by its state. */
export function notFiniteBanner(run: RunDetail): TemplateResult | typeof nothing {
  const found = firstNotFinite(run.metrics);
  if (found === null) return nothing;
  return html`<div class="banner warning" role="status" data-testid="not-finite">
    ${icon("warning")}
    <span>
      <b>${notFiniteSentence(found)}.</b> It is the first value of this run that is not finite, logged at ${formatClock(found.time)} by
      attempt ${found.attempt}.
    </span>
  </div>`;
}

export const failureStyles = css`
  .banner {
    display: flex;
    gap: 8px;
    margin: 0 20px 10px;
    padding: 8px 12px;
    border-radius: 4px;
    font-size: 12px;
    overflow-wrap: anywhere;
  }
  .banner > :last-child {
    flex: 1;
    min-width: 0;
  }
  .banner.error {
    background: var(--vscode-inputValidation-errorBackground);
    border: 1px solid var(--vscode-inputValidation-errorBorder);
  }
  .banner.warning {
    background: var(--vscode-inputValidation-warningBackground);
    border: 1px solid var(--vscode-inputValidation-warningBorder);
  }
  .banner summary {
    cursor: pointer;
    color: var(--secondary);
  }
  .banner pre {
    margin: 4px 0;
    max-height: 160px;
    overflow: auto;
  }
  .banner-actions {
    display: flex;
    gap: 12px;
    margin-top: 2px;
  }
`;
