/** Which params mattered: a bar for each, by Optuna's shares where there are some, else by the strength of the correlation. */
import { css, html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import type { ParamCorrelation, SweepImportance } from "../../protocol/sweep.ts";
import { cssProperties } from "../components/css-vars.ts";

const METHODS = { fanova: "fANOVA, by Optuna", ped_anova: "PED-ANOVA, by Optuna" } as const;

export function importanceView({ shares, correlations, runs, note }: SweepImportance): TemplateResult {
  const known = new Map(correlations.map((each) => [each.param, each]));
  const rows =
    shares === null ? correlations.map(({ param, strength }): [string, number] => [param, strength]) : Object.entries(shares.params);
  return html`<h2>What matters</h2>
    <div class="secondary method">${shares === null ? "rank correlation" : METHODS[shares.method]}, ${counted(runs, "run")}</div>
    <ul class="shares" data-testid="sweep-importance" data-method=${shares?.method ?? "correlation"}>
      ${rows
        .sort(([, a], [, b]) => b - a)
        .map(
          ([param, share]) =>
            html`<li data-testid="sweep-share" data-param=${param}>
              <span class="mono truncate" title=${param}>${param}</span><span>${share.toFixed(2)}</span>
              <span class="bar" ${cssProperties({ "--share": `${(share * 100).toFixed(1)}%` })}></span>
              <span class="secondary sign">${correlationText(known.get(param))}</span>
            </li>`,
        )}
    </ul>
    ${note === null ? nothing : html`<p class="secondary" data-testid="sweep-importance-note">${note}</p>`}`;
}

function correlationText(found: ParamCorrelation | undefined): string {
  if (found === undefined) return "";
  const strength = found.strength.toFixed(2);
  if (found.sign === null) return `its choices part the ranks by ${strength}`;
  const sign = found.sign === "rising" ? "" : "\u2212";
  return `rank correlation ${sign}${strength}`;
}

export const importanceStyles = css`
  .method {
    margin-bottom: 6px;
    font-size: 11px;
  }
  .shares {
    list-style: none;
    margin: 0;
    padding: 0;
  }
  .shares li {
    display: grid;
    grid-template-columns: minmax(0, 1fr) auto;
    gap: 0 8px;
    margin-bottom: 8px;
  }
  .bar,
  .sign {
    grid-column: 1 / -1;
  }
  .bar {
    height: 4px;
    width: var(--share);
    min-width: 1px;
    background: var(--vscode-charts-blue);
    outline: 1px solid var(--vscode-contrastBorder, transparent);
  }
  .sign {
    font-size: 11px;
  }
`;
