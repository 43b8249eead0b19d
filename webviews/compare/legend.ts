/** The legend as a table: what each line is, how its settings differ, how it did, and how that stands to the baseline. */
import { html, nothing, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { repeat } from "lit/directives/repeat.js";
import { FINAL_STATES } from "../../protocol/state-kinds.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatInteger, formatLike, formatSigned, formatValue, UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { regionElement } from "../components/regions.ts";
import { stateIcon, stateLabel, stateStyles } from "../components/state-icon.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import type { CompareModel } from "./compare-model.ts";
import { type DifferenceRow, differingParams } from "./differences.ts";
import { type Direction, directionOf, isBetter, nextDirection } from "./direction.ts";
import type { Entry } from "./entries.ts";
import { legendStyles } from "./legend-styles.ts";
import { type LegendValues, legendValues } from "./legend-values.ts";

/** More differing params than this stand in the differences below alone. */
const MOST_PARAMS = 6;

interface LegendView {
  readonly params: readonly DifferenceRow[];
  readonly values: ReadonlyMap<string, LegendValues>;
  readonly baseline: string | null;
  readonly direction: Direction | null;
  /** The largest difference: the bar of that row is full. */
  readonly scale: number;
}

/** Params that stand beside the values where there is little room. */
const FIRST_PARAMS = 3;

function paramClass(place: number): string {
  return `param number ${place < FIRST_PARAMS ? "" : "further"}`;
}

@customElement("ty-compare-legend")
export class CompareLegend extends regionElement("table") {
  static override styles = [...baseStyles, stateStyles, legendStyles];

  @property({ attribute: false }) model!: CompareModel;
  #stop: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const update = (): void => {
      this.requestUpdate();
    };
    this.#stop = [this.model.onChange(update), this.model.highlight.listen(update), documentTheme().listen(update)];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
  }

  override render(): TemplateResult {
    const { model } = this;
    const { entries, metric, baseline } = model;
    const direction = metric === null ? null : directionOf(metric, model.settings.directions);
    const values = legendValues(entries, metric, direction, baseline);
    const params = differingParams(entries.map((entry) => entry.runs)).slice(0, MOST_PARAMS);
    const scale = Math.max(0, ...[...values.values()].map((of) => Math.abs(of.difference ?? 0)).filter(Number.isFinite));
    const view: LegendView = { params, values, baseline, direction, scale };
    return html`<table tabindex="-1" data-testid="compare-legend">
      <thead>
        <tr>
          <th scope="col" class="run" colspan="3">Run</th>
          ${params.map((row, place) => html`<th scope="col" class="${paramClass(place)}" title=${row.path}>${shortPath(row.path)}</th>`)}
          <th scope="col" class="number">last</th>
          <th scope="col" class="number best">best</th>
          <th scope="col" class="versus">vs baseline ${metric === null ? nothing : this.#direction(metric, direction)}</th>
          <th scope="col" class="number steps">steps</th>
        </tr>
      </thead>
      <tbody>
        ${repeat(
          entries,
          (entry) => entry.id,
          (entry, i) => this.#row(entry, i, view),
        )}
      </tbody>
    </table>`;
  }

  #direction(metric: string, direction: Direction | null): TemplateResult {
    const words = direction === null ? "?" : `${direction} is better`;
    const title = direction === null ? `Is ${metric} better when lower or higher? Click to choose` : `${metric}: ${words}. Click to change`;
    return html`<button
      class="direction ${direction === null ? "unknown" : ""}"
      title=${title}
      aria-label=${title}
      data-testid="direction"
      data-direction=${direction ?? "unknown"}
      @click=${() => {
        this.model.change({ directions: nextDirection(metric, this.model.settings.directions) });
      }}
    >
      ${words}
    </button>`;
  }

  #row(entry: Entry, index: number, view: LegendView): TemplateResult {
    const { model } = this;
    const values = view.values.get(entry.id);
    const hidden = model.legend.isHidden(entry.id);
    const pinned = model.legend.isPinned(entry.id);
    const run = entry.runs[0];
    const style = model.style(entry, documentTheme().value);
    const isBaseline = entry.id === view.baseline;
    const finished = entry.runs.filter((each) => FINAL_STATES.has(each.state)).length;
    return html`<tr
      class="${hidden ? "hidden" : ""} ${model.highlight.value === entry.id ? "highlight" : ""}"
      data-testid="legend-row"
      data-entry=${entry.id}
      @pointerenter=${() => {
        model.legend.pointAt(entry.id);
      }}
      @pointerleave=${() => {
        model.legend.pointAt(null);
      }}
      @focusin=${() => {
        model.legend.pointAt(entry.id);
      }}
      @focusout=${() => {
        model.legend.pointAt(null);
      }}
    >
      <td class="eye">
        <button
          class="icon-button"
          aria-pressed=${hidden ? "false" : "true"}
          aria-label="${hidden ? "Show" : "Hide"} ${entry.name}"
          title=${hidden ? "Show" : "Hide (Alt: show alone)"}
          data-testid="legend-eye"
          @click=${(event: MouseEvent) => {
            if (event.altKey) model.legend.showOnly(entry.id);
            else model.legend.toggleHidden(entry.id);
          }}
        >
          ${icon(hidden ? "eye-closed" : "eye")}
        </button>
      </td>
      <td class="swatch-cell">
        <button
          class="pin"
          aria-pressed=${pinned ? "true" : "false"}
          aria-label="${pinned ? "Unpin" : "Pin"} ${entry.name}"
          title=${pinned ? "Unpin" : "Pin: its line stands out"}
          data-testid="legend-pin"
          @click=${() => {
            model.legend.togglePinned(entry.id);
          }}
        >
          <span
            class="swatch ${style.dash.length > 0 ? "dashed" : ""} ${entry.runs.length > 1 ? "band" : ""}"
            ${cssProperties({ "--series": style.color })}
          ></span>
        </button>
      </td>
      <td class="name">
        <span>
          ${entry.runs.length > 1 ? html`<span title="Replicates">${icon("layers")}</span>` : run === undefined ? nothing : stateIcon(run.state)}
          <button
            class="truncate open"
            title=${entry.runs.map((each) => `${each.name}: ${stateLabel(each.state)}`).join("\n")}
            @click=${() => {
              if (run !== undefined) model.transport.command({ command: "open_run", run: run.id });
            }}
          >
            ${entry.name}
          </button>
          ${
            entry.runs.length > 1
              ? html`<span class="secondary note"
                  >${model.settings.spread === "std" ? "mean ± std" : "mean, min–max"}, ${String(finished)} of ${String(entry.runs.length)}
                  ended</span
                >`
              : nothing
          }
          ${run?.starred === true ? html`<span class="star">${icon("star-full")}</span>` : nothing}
        </span>
      </td>
      ${view.params.map((row, place) => {
        const value = row.values[index] ?? null;
        const base = row.values[this.model.entries.findIndex((each) => each.id === view.baseline)] ?? null;
        return html`<td class="${paramClass(place)} ${value === base || value === null ? "secondary" : "changed"}" title=${value ?? ""}>
          ${value ?? UNKNOWN}
        </td>`;
      })}
      <td class="number ${values?.last == null ? "" : "last"}">${formatValue(values?.last)}</td>
      <td class="number best secondary">${formatValue(values?.best)}</td>
      <td class="versus">${isBaseline ? this.#baselineMark() : this.#versus(entry, values, view)}</td>
      <td class="number steps secondary">${values?.step == null ? UNKNOWN : formatInteger(values.step)}${planned(entry)}</td>
    </tr>`;
  }

  #baselineMark(): TemplateResult {
    return html`<span class="tag">baseline</span>`;
  }

  #versus(entry: Entry, values: LegendValues | undefined, view: LegendView): TemplateResult {
    const difference = values?.difference ?? null;
    const better = difference === null ? null : isBetter(difference, view.direction);
    const share = difference === null || view.scale === 0 || !Number.isFinite(difference) ? 0 : Math.abs(difference) / view.scale;
    const spread = values?.spread ?? null;
    const words =
      difference === null
        ? "Take as baseline"
        : `${formatValue(Math.abs(difference))} ${difference < 0 ? "lower than" : "higher than"} baseline${better === null ? "" : better ? ", better" : ", worse"}`;
    return html`<button
      class="versus-button"
      title="${words}. Click to take this run as the baseline"
      aria-label=${words}
      data-testid="versus"
      data-better=${better === null ? "unknown" : String(better)}
      @click=${() => {
        this.model.change({ baseline: entry.id });
      }}
    >
      <span class="bar ${(difference ?? 0) < 0 ? "left" : "right"}" ${cssProperties({ "--share": `${String(share * 50)}%` })}></span>
      <span class="number ${better === null ? "" : better ? "better" : "worse"}"
        >${difference === null ? UNKNOWN : formatSigned(difference, values?.last ?? difference)}</span
      >
      ${spread === null ? nothing : html`<span class="secondary spread">± ${formatLike(spread, values?.last ?? spread)}</span>`}
    </button>`;
  }
}

/** "lora.r" needs no "params."; a long path keeps its end. */
function shortPath(path: string): string {
  return path.length <= 20 ? path : `…${path.slice(-19)}`;
}

function planned(entry: Entry): string {
  const most = Math.max(0, ...entry.runs.map((run) => (FINAL_STATES.has(run.state) ? 0 : (run.progress?.max_steps ?? 0))));
  return most === 0 ? "" : ` of ${formatInteger(most)}`;
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-compare-legend": CompareLegend;
  }
}
