/** The plot builder: any field against any other, over the runs that pass a filter; saved with the project. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import { csvTable } from "../../protocol/csv.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { PlotSettings, type SavedItem } from "../../protocol/saved.ts";
import { icon } from "../components/icons.ts";
import "../components/menu.ts";
import "../components/offline.ts";
import { pageStyles } from "../components/page-styles.ts";
import { problemOf } from "../components/problem.ts";
import { saveFile } from "../components/save-file.ts";
import "../components/saved-items.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import { type Field, fieldTitle } from "../explore/fields.ts";
import type { FilterChange } from "../explore/filter-bar.ts";
import "../explore/filter-bar.ts";
import { type FilterError, joinClauses, splitClauses, toFilterError } from "../explore/filter-text.ts";
import { scopeOf } from "../explore/scope.ts";
import type { Transport } from "../transport/transport.ts";
import type { ParallelPlot } from "./parallel-plot.ts";
import "./parallel-plot.ts";
import { category, plotCsv, type PlotRow } from "./plot-data.ts";
import "./plot-form.ts";
import { type MarkRuns, missingPart, NO_RUNS, PlotModel, type PlotResult } from "./plot-model.ts";
import { parallelSpec, plotSpec, type VegaLiteSpec } from "./plot-spec.ts";
import { plotsStyles } from "./plots-styles.ts";
import type { VegaPlot } from "./vega-plot.ts";
import { specToSvg } from "./vega-plot.ts";

const EXPORTS = [
  { id: "png", label: "PNG", refused: null },
  { id: "svg", label: "SVG", refused: null },
  { id: "csv", label: "CSV of what is drawn", refused: null },
  { id: "spec", label: "Copy as Vega-Lite spec", refused: null },
];
/** Runs of a mark that are listed one by one. */
const MOST_LISTED = 50;

@customElement("ty-plots")
export class Plots extends LitElement {
  static override styles = [...baseStyles, pageStyles, plotsStyles];

  @property({ attribute: false }) transport!: Transport;
  @property({ attribute: false }) project: string | null = null;
  /** The runs that a new plot begins with. */
  @property({ attribute: false }) filter = "";
  /** What an earlier session of this panel set up; anything that is no plot counts as nothing. */
  @property({ attribute: false }) saved: unknown = null;
  @state() private settings: PlotSettings = PlotSettings.parse({});
  @state() private name: string | null = null;
  @state() private result: PlotResult | null = null;
  @state() private problem: string | null = null;
  @state() private refused: FilterError | null = null;
  @state() private loading = false;
  @state() private size = { width: 700, height: 420 };
  @state() private chosen: MarkRuns = NO_RUNS;
  @query(".chart") private chart!: HTMLElement;
  @query("ty-vega-plot") private vega!: VegaPlot | null;
  @query("ty-parallel-plot") private parallel!: ParallelPlot | null;
  #model: PlotModel | null = null;
  #typed = "";
  #starts: readonly number[] = [];
  #generation = 0;
  /** What the result was asked for with. */
  #drawn: PlotSettings | null = null;
  #spec: VegaLiteSpec | null = null;
  #watch: ResizeObserver | null = null;
  #stop: (() => void) | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#watch?.disconnect();
    this.#stop?.();
    this.#model = null;
  }

  override firstUpdated(): void {
    this.#watch = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = this.chart;
      if (Math.abs(width - this.size.width) + Math.abs(height - this.size.height) > 4) this.size = { width, height };
    });
    this.#watch.observe(this.chart);
    this.#stop = documentTheme().listen(() => {
      this.requestUpdate("result");
    });
  }

  override willUpdate(changed: PropertyValues): void {
    if (this.#model === null || changed.has("project") || changed.has("transport")) this.#begin();
    if (["result", "size"].some((key) => changed.has(key))) this.#spec = this.#draw();
  }

  override render(): TemplateResult {
    const { settings } = this;
    const missing = missingPart(settings);
    return html`<div class="head">
        <h1>Plot</h1>
        <span class="secondary">${this.project ?? "all projects"}</span>
        <ty-offline .transport=${this.transport}></ty-offline>
        <span class="actions">
          <ty-saved-items
            .transport=${this.transport}
            .project=${this.project}
            .kind=${"plot"}
            .settings=${settings}
            .current=${this.name}
            @load-saved=${(event: Event) => {
              const item = (event as CustomEvent<SavedItem>).detail;
              if (item.kind !== "plot") return;
              this.#set(item.settings);
              this.name = item.name;
            }}
          ></ty-saved-items>
          <ty-menu
            icon="export"
            label="Export"
            data-testid="plot-export"
            .items=${EXPORTS}
            ?disabled=${this.result === null}
            @choose=${(event: Event) => {
              const format = (event as CustomEvent<string>).detail;
              void this.#try(() => this.#export(format));
            }}
          ></ty-menu>
        </span>
        ${this.problem === null ? nothing : html`<div class="problem" role="alert" data-testid="plot-problem">${this.problem}</div>`}
      </div>
      <div class="filters">
        <ty-filter-bar
          .transport=${this.transport}
          .project=${this.project}
          .fields=${[...(this.#model?.fields.values() ?? [])]}
          .clauses=${this.#clauses}
          .refused=${this.refused}
          .starts=${this.#starts}
          .count=${this.result === null ? "" : counted(this.result.runs, "run")}
          @filter=${(event: Event) => {
            const { clauses, typed } = (event as CustomEvent<FilterChange>).detail;
            this.#typed = typed;
            this.#set({ filter: joinClauses(clauses).text });
          }}
        ></ty-filter-bar>
      </div>
      <ty-plot-form
        .settings=${settings}
        .fields=${this.#model?.fields ?? new Map<Field, never>()}
        @settings=${(event: Event) => {
          this.#set((event as CustomEvent<Partial<PlotSettings>>).detail);
        }}
      ></ty-plot-form>
      <div class="chart" aria-busy=${this.loading ? "true" : "false"} data-testid="plot">
        ${missing === null ? this.#plot() : html`<div class="none secondary" data-testid="plot-missing">${missing}</div>`}
      </div>
      ${this.#foot()}`;
  }

  #plot(): TemplateResult | typeof nothing {
    const { result, settings } = this;
    if (result === null) return nothing;
    if (settings.kind === "parallel")
      return html`<ty-parallel-plot
        .axes=${settings.axes}
        .lines=${result.lines}
        .color=${settings.color}
        @axes=${(event: Event) => {
          this.#set({ axes: (event as CustomEvent<Field[]>).detail });
        }}
        @open=${(event: Event) => {
          this.transport.command({ command: "open_run", run: (event as CustomEvent<RunId>).detail });
        }}
      ></ty-parallel-plot>`;
    if (result.rows.length === 0)
      return html`<div class="none secondary" data-testid="plot-none">No run of the filter has these values.</div>`;
    // A histogram has no y axis, whatever was chosen for another kind.
    const [x, y] = [settings.x, settings.kind === "histogram" ? null : settings.y].map((field) =>
      field === null ? "" : fieldTitle(field),
    );
    return html`<ty-vega-plot
      .spec=${this.#spec}
      .rows=${result.rows}
      .names=${Object.fromEntries((["x", "y", "color", "facet"] as const).flatMap((key) => (settings[key] === null ? [] : [[key, fieldTitle(settings[key])]])))}
      .label="${settings.kind} of ${[y, x].filter((part) => part !== "").join(" against ")}, ${counted(result.rows.length, "mark")}"
      @mark=${(event: Event) => {
        void this.#try(() => this.#openMark((event as CustomEvent<PlotRow>).detail));
      }}
    ></ty-vega-plot>`;
  }

  #foot(): TemplateResult {
    const { result } = this;
    const { runs, filter } = this.chosen;
    const shown = runs.slice(0, MOST_LISTED);
    return html`<div class="foot" role="status">
      ${result?.note == null ? nothing : html`<span class="secondary" data-testid="plot-note">${result.note}</span>`}
      ${
        shown.length === 0
          ? nothing
          : html`<span data-testid="plot-runs"
              >${counted(runs.length, "run")}:
              ${shown.map(
                ({ id, name }) =>
                  html`<button
                    class="link"
                    data-testid="plot-run"
                    @click=${() => {
                      this.transport.command({ command: "open_run", run: id });
                    }}
                  >
                    ${name}
                  </button> `,
              )}<button
                class="toggle"
                data-testid="plot-compare"
                @click=${() => {
                  this.transport.command({ command: "compare_runs", runs: runs.slice(0, 1000).map(({ id }) => id) });
                }}
              >
                ${icon("git-compare")} Compare
              </button>
              ${
                filter === null
                  ? nothing
                  : html`<button
                      class="toggle"
                      data-testid="plot-table"
                      @click=${() => {
                        this.transport.command({ command: "open_explore", project: this.project, filter });
                      }}
                    >
                      ${icon("table")} Show in table
                    </button>`
              }</span
            >`
      }
    </div>`;
  }

  get #clauses(): readonly string[] {
    return this.settings.filter === "" ? [] : splitClauses(this.settings.filter);
  }

  #begin(): void {
    const saved = PlotSettings.safeParse(this.saved ?? {});
    this.settings = saved.success ? saved.data : PlotSettings.parse({});
    if (this.filter !== "") this.settings = { ...this.settings, filter: this.filter };
    this.name = null;
    this.result = null;
    const model = new PlotModel(this.transport, this.project);
    this.#model = model;
    this.transport.setTitle(this.project === null ? "Plot" : `Plot: ${this.project}`);
    void this.#try(async () => {
      await model.loadFields();
      this.requestUpdate();
      await this.#load();
    });
  }

  #set(change: Partial<PlotSettings>): void {
    this.settings = { ...this.settings, ...change };
    this.name = null;
    this.chosen = NO_RUNS;
    this.dispatchEvent(new CustomEvent<PlotSettings>("view-state", { detail: this.settings, bubbles: true, composed: true }));
    void this.#try(() => this.#load());
  }

  /** The old plot stands until the new one is there. */
  async #load(): Promise<void> {
    const model = this.#model;
    if (model === null || missingPart(this.settings) !== null) return;
    const mine = ++this.#generation;
    this.loading = true;
    const filter = joinClauses([...this.#clauses, ...(this.#typed === "" ? [] : [this.#typed])]).text;
    this.#starts = scopeOf({ clauses: [...this.#clauses], states: [], archived: false }, this.#typed, false).starts;
    try {
      const drawn = { ...this.settings, filter };
      const result = await model.load(drawn);
      if (mine !== this.#generation) return;
      this.result = result;
      this.#drawn = drawn;
      this.refused = null;
    } catch (error) {
      if (mine !== this.#generation) return;
      if (!(error instanceof TrainyardError) || error.problems[0]?.field !== "filter") throw error;
      this.refused = toFilterError(error, 0);
    } finally {
      if (mine === this.#generation) this.loading = false;
    }
  }

  #draw(): VegaLiteSpec | null {
    const { result, settings, size } = this;
    if (result === null || missingPart(settings) !== null) return null;
    const known = this.#model?.fields ?? new Map<Field, never>();
    const { kind } = documentTheme().value;
    return settings.kind === "parallel"
      ? parallelSpec(settings, result.lines, this.parallel?.passing ?? result.lines, known, kind, size)
      : plotSpec(settings, result.rows, known, kind, size);
  }

  async #openMark(mark: PlotRow): Promise<void> {
    if (mark.id !== undefined) {
      this.transport.command({ command: "open_run", run: mark.id });
      return;
    }
    const model = this.#model;
    const drawn = this.#drawn;
    if (model === null || drawn === null) return;
    const chosen = await model.runsOf(drawn, mark, this.result?.rows ?? []);
    const only = chosen.runs.length === 1 ? chosen.runs[0] : undefined;
    if (only === undefined) this.chosen = chosen;
    else this.transport.command({ command: "open_run", run: only.id });
  }

  async #export(format: string): Promise<void> {
    // Drawn anew: lines are brushed without it.
    const spec = this.#draw();
    if (spec === null || this.result === null) return;
    const name = (this.name ?? "plot").replace(/[^\w.-]+/g, "-");
    if (format === "spec") this.transport.command({ command: "copy", text: JSON.stringify(spec, null, 2) });
    else if (format === "svg") saveFile(`${name}.svg`, new Blob([await specToSvg(spec)], { type: "image/svg+xml" }));
    else if (format === "csv") saveFile(`${name}.csv`, new Blob([this.#csv()], { type: "text/csv" }));
    else {
      const png = this.settings.kind === "parallel" ? await this.parallel?.png() : await this.vega?.png();
      if (png != null) saveFile(`${name}.png`, png);
    }
  }

  #csv(): string {
    const { result, settings } = this;
    if (settings.kind !== "parallel") return plotCsv(result?.rows ?? [], settings);
    const cell = (value: JsonValue): string => (value === null ? "" : String(category(value)));
    const lines = (this.parallel?.passing ?? []).map(({ id, name, values }) => [id, name, ...values.map(cell)]);
    return csvTable([["id", "record.name", ...settings.axes], ...lines]);
  }

  async #try(action: () => Promise<void>): Promise<void> {
    this.problem = await problemOf(action);
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-plots": Plots;
  }
}
