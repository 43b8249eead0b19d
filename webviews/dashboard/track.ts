/** The progress track: how far the run is, where checkpoints lie and where attempts took over. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import { LIVE_STATES } from "../../protocol/state-kinds.ts";
import { type Annotations, type AttemptSpan, NO_ANNOTATIONS, spacedMarks } from "../charts/annotations.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatClock, formatInteger, formatPercent } from "../components/format.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import { type LineLabel, placeLabels } from "./label-layout.ts";

const trackStyles = css`
  :host {
    display: block;
    margin: 12px 20px 0;
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
  /* How far it was meant to go is not known: a full bar would say that it came to its end. */
  .unplanned {
    opacity: 0.4;
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
    height: 16px;
    margin-top: 6px;
    font-size: 11px;
    line-height: 14px;
    white-space: nowrap;
    overflow: hidden;
  }
  .labels span {
    position: absolute;
  }
`;

const LABEL_PX = 11;
let pencil: CanvasRenderingContext2D | null = null;

function textWidth(text: string): number {
  pencil ??= document.createElement("canvas").getContext("2d");
  if (pencil === null) return text.length * LABEL_PX * 0.6;
  pencil.font = `${String(LABEL_PX)}px ${documentTheme().value.fontFamily}`;
  return Math.ceil(pencil.measureText(text).width) + 1;
}

@customElement("ty-progress-track")
export class ProgressTrack extends LitElement {
  static override styles = [...baseStyles, trackStyles];

  @property({ attribute: false }) run!: RunDetail;
  @property({ attribute: false }) annotations: Annotations = NO_ANNOTATIONS;
  @state() private width = 0;
  readonly #size = new ResizeObserver(([entry]) => {
    this.width = entry?.contentRect.width ?? 0;
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#size.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#size.disconnect();
  }

  override render(): TemplateResult {
    const { run } = this;
    const { attempts, checkpoints } = this.annotations;
    const step = run.progress?.step ?? 0;
    const fraction = run.progress?.fraction ?? null;
    const maxSteps = run.progress?.max_steps ?? (fraction !== null && fraction > 0 ? Math.round(step / fraction) : null);
    const end = Math.max(maxSteps ?? step, 1);
    const at = (s: number): string => `${String(Math.min(100, (s / end) * 100))}%`;
    const live = LIVE_STATES.has(run.state);
    const eta = run.progress?.eta_seconds ?? null;
    const resumed = attempts.filter((span) => span.number > 1).reverse();
    const started = run.started_at === null ? "" : ` · ${formatClock(run.started_at, false)}`;
    const total = maxSteps === null ? "" : formatInteger(maxSteps);
    const until = live && eta !== null ? `about ${formatClock(Date.now() + eta * 1000, false)}` : "";
    // The end matters most, then the newest attempt, then the beginning, then earlier attempts.
    const resumedLabel = (span: AttemptSpan): LineLabel => ({
      text: `resumed at ${formatInteger(span.from)}`,
      at: span.from / end,
      anchor: 0.5,
    });
    const labels: LineLabel[] = [
      { text: [total, until].filter((part) => part !== "").join(" · "), at: 1, anchor: 1 },
      ...resumed.slice(0, 1).map(resumedLabel),
      { text: `${attempts.length > 1 ? "attempt 1" : "start"}${started}`, at: 0, anchor: 0 },
      ...resumed.slice(1).map(resumedLabel),
    ];
    const placed = placeLabels(
      labels.filter((label) => label.text !== ""),
      this.width,
      textWidth,
    );
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
        <div class="done ${maxSteps === null ? "unplanned" : ""}" ${cssProperties({ width: at(step) })}></div>
        ${attempts.map((span) =>
          span.replayed === null
            ? nothing
            : html`<div
                class="replayed"
                title="${counted(span.replayed[1] - span.replayed[0], "step")} replayed"
                ${cssProperties({ left: at(span.replayed[0]), width: `${String(((span.replayed[1] - span.replayed[0]) / end) * 100)}%` })}
              ></div>`,
        )}
        ${spacedMarks(checkpoints, (mark) => (mark.step / end) * this.width).map((mark) => html`<div class="diamond ${mark.final ? "final" : ""}" title=${mark.name} ${cssProperties({ left: at(mark.step) })}></div>`)}
        ${live ? html`<div class="now" ${cssProperties({ left: at(step) })}></div>` : nothing}
      </div>
      <div class="labels secondary" aria-hidden="true">
        ${placed.map(({ text, left }) => html`<span ${cssProperties({ left: `${String(left)}px` })}>${text}</span>`)}
      </div>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-progress-track": ProgressTrack;
  }
}
