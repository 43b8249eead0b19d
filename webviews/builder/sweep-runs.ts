/** The runs that a document with a sweep stands for, before any of them is made. */
import { html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import type { JsonObject } from "../../protocol/json.ts";
import type { SweepPlan } from "../../protocol/sweep.ts";
import { formatJson } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import type { FormSection } from "./form-model.ts";

/** The last step of the form. */
export function sweepStep({ sweep }: JsonObject): FormSection {
  return { id: "sweep", title: "Sweep", description: sweep === undefined ? "one run" : "many runs", fields: [] };
}

export function sweepPreview(plan: SweepPlan | null, checking: boolean): { readonly runs: TemplateResult; readonly start: string } {
  return { runs: runsTable(plan, checking), start: plan === null ? "Start sweep" : `Start ${countOfRuns(plan)}` };
}

function runsTable(plan: SweepPlan | null, checking: boolean): TemplateResult {
  if (plan === null)
    return html`<div class="code"><p class="secondary">${checking ? "…" : "The runs appear here once the sweep is complete."}</p></div>`;
  const names = Object.keys(plan.runs[0]?.params ?? {});
  const seeds = plan.runs.some(({ seed }) => seed !== null);
  return html`<div class="code" data-testid="sweep-plan">
    <p class="secondary">
      ${countOfRuns(plan)}, ${String(plan.concurrency)} at a
      time${plan.runs.length < plan.run_count ? `. The first ${String(plan.runs.length)} are these draws; each of the others follows from what the runs before it reach.` : ""}
    </p>
    ${ofTheWhole(plan).map(({ message, hint }) => html`<p class="field-problem warning" data-testid="sweep-warning">${icon("warning")}<span>${message}. ${hint}</span></p>`)}
    <table class="runs">
      <thead>
        <tr>
          <th scope="col">#</th>
          ${names.map((name) => html`<th scope="col" title=${name}>${name}</th>`)} ${seeds ? html`<th scope="col">seed</th>` : nothing}
        </tr>
      </thead>
      <tbody>
        ${plan.runs.map(
          ({ params, seed }, index) =>
            html`<tr data-testid="sweep-plan-row">
              <td class="secondary">${String(index + 1)}</td>
              ${names.map((name) => html`<td class="mono">${formatJson(params[name])}</td>`)}
              ${seeds ? html`<td class="mono">${seed === null ? "" : String(seed)}</td>` : nothing}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** What is said of a param stands beside its field. */
function ofTheWhole({ warnings }: SweepPlan): SweepPlan["warnings"] {
  return warnings.filter(({ field }) => !field.startsWith("params."));
}

function countOfRuns({ run_count: count }: SweepPlan): string {
  return counted(count, "run");
}
