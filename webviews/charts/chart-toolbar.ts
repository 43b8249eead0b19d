/** The toolbar over a page of charts: the x axis, smoothing, switches, the filter of metrics. Settings go to the page's ChartSync. */
import { css, html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import { icon } from "../components/icons.ts";
import { type ChartSync, counterAxis, counterOf, type XAxis } from "./chart-sync.ts";
import { LAST_PLACE, placeOfWeight, weightAt, weightText } from "./smoothing-scale.ts";

const AXES: readonly (readonly [XAxis, string])[] = [
  ["step", "Step"],
  ["wall", "Wall time"],
  ["relative", "Relative"],
];

export interface ChartToolbar {
  readonly sync: ChartSync;
  /** Metrics that there are; the filter's placeholder says so. */
  readonly count: number;
  readonly filter: string;
  readonly onFilter: (text: string) => void;
  /** Metrics that the x axis can count by. */
  readonly counters: readonly string[];
  /** What cannot be drawn on the x axis that is chosen, and why. */
  readonly unplaced: readonly string[];
  /** The page's own switches, after the common ones. */
  readonly more: unknown;
}

export function chartToolbar(options: ChartToolbar): TemplateResult {
  const { sync, count } = options;
  const settings = sync.settings.value;
  return html`<div class="toolbar" role="toolbar" aria-label="Charts">
    <span class="segments" role="radiogroup" aria-label="X axis">
      ${AXES.map(
        ([axis, label]) =>
          html`<button
            role="radio"
            aria-checked=${settings.xAxis === axis ? "true" : "false"}
            data-testid="x-axis-${axis}"
            @click=${() => {
              sync.change({ xAxis: axis });
            }}
          >
            ${label}
          </button>`,
      )}
    </span>
    ${counterMenu(sync, options.counters)}
    <span class="break"></span>
    <label class="smoothing"
      ><span class="word">Smoothing</span>
      <input
        type="range"
        min="0"
        max=${LAST_PLACE}
        step="1"
        aria-label="Smoothing"
        data-testid="smoothing"
        .value=${String(placeOfWeight(settings.smoothing))}
        aria-valuetext=${weightText(settings.smoothing)}
        @input=${(event: InputEvent) => {
          sync.change({ smoothing: weightAt(Number((event.target as HTMLInputElement).value)) });
        }}
      /><span>${weightText(settings.smoothing)}</span></label
    >
    ${toggle("Log y", settings.logY, () => {
      sync.change({ logY: !settings.logY });
    })}
    ${toggle("Raw", settings.raw, () => {
      sync.change({ raw: !settings.raw });
    })}
    ${options.more}
    ${
      !sync.zoomed
        ? nothing
        : html`<button
            class="toggle"
            data-testid="reset-zoom"
            @click=${() => {
              sync.resetZoom();
            }}
          >
            Reset zoom
          </button>`
    }
    <label class="filter"
      >${icon("filter")}<input
        class="input"
        type="search"
        placeholder=${count === 0 ? "Filter metrics" : `Filter ${counted(count, "metric")}`}
        aria-label="Filter metrics"
        data-testid="metric-filter"
        .value=${options.filter}
        @input=${(event: InputEvent) => {
          options.onFilter((event.target as HTMLInputElement).value);
        }}
    /></label>
    ${
      options.unplaced.length === 0
        ? nothing
        : html`<div class="unplaced secondary" role="status" data-testid="x-axis-unplaced">Not drawn: ${options.unplaced.join("; ")}</div>`
    }
  </div>`;
}

/** The counters of the x axis, beside the axes that every run has. */
function counterMenu(sync: ChartSync, counters: readonly string[]): TemplateResult | typeof nothing {
  const chosen = counterOf(sync.settings.value.xAxis);
  // One that was chosen for another run stays in the list: the charts say that this one has it not.
  const names = chosen === null || counters.includes(chosen) ? counters : [...counters, chosen];
  if (names.length === 0) return nothing;
  return html`<select
    class="input counter ${chosen === null ? "" : "chosen"}"
    aria-label="X axis by a counter"
    title="X axis by a logged metric that never falls"
    data-testid="x-axis-counter"
    @change=${(event: Event) => {
      sync.change({ xAxis: counterAxis((event.target as HTMLSelectElement).value) });
    }}
  >
    <option value="" disabled hidden ?selected=${chosen === null}>Counter</option>
    ${names.map((name) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
  </select>`;
}

export function toggle(label: string, on: boolean, run: () => void): TemplateResult {
  return html`<button class="toggle" aria-pressed=${on ? "true" : "false"} @click=${run}>${label}</button>`;
}

/** Of the toolbar and of the host that holds it above its charts. */
export const chartToolbarStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    position: relative;
    container: charts / inline-size;
  }
  .toolbar {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 8px;
    min-height: 34px;
    padding: 4px 14px 4px 20px;
    border-bottom: 1px solid var(--hairline);
    font-size: 12px;
  }
  .counter {
    max-width: 150px;
    text-overflow: ellipsis;
  }
  .counter.chosen {
    background: color-mix(in srgb, var(--vscode-foreground) 13%, transparent);
  }
  .unplaced {
    flex-basis: 100%;
  }
  .smoothing {
    display: inline-flex;
    align-items: center;
    gap: 8px;
  }
  .break {
    width: 6px;
    margin-right: -8px;
  }
  input[type="range"] {
    appearance: none;
    width: 76px;
    height: 16px;
    background: none;
    cursor: pointer;
  }
  input[type="range"]::-webkit-slider-runnable-track {
    height: 3px;
    border-radius: 2px;
    background: color-mix(in srgb, var(--vscode-progressBar-background) 60%, transparent);
  }
  input[type="range"]::-webkit-slider-thumb {
    appearance: none;
    width: 10px;
    height: 10px;
    margin-top: -3.5px;
    border-radius: 50%;
    background: var(--vscode-progressBar-background);
  }
  .filter {
    position: relative;
    flex: 1 1 90px;
    max-width: 176px;
    margin-left: auto;
    display: flex;
    align-items: center;
  }
  .filter .icon {
    position: absolute;
    left: 6px;
    font-size: 14px;
  }
  .filter input {
    width: 100%;
    padding-left: 24px;
  }
  @container charts (min-width: 820.02px) and (max-width: 880px) {
    .word {
      display: none;
    }
  }
  /* Two rows from the beginning: what joins a full row later, a counter or the way out of a zoom, would make a second one and move the charts. */
  @container charts (max-width: 820px) {
    .break {
      flex-basis: 100%;
      width: auto;
      margin: 0;
    }
  }
`;
