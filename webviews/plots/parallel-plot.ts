/** Parallel coordinates: a line for each run over axes that are reordered and brushed. */
import { css, html, LitElement, nothing, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import type { RunId } from "../../protocol/ids.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatInteger } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";
import { documentTheme } from "../components/theme.ts";
import { type Field, fieldTitle } from "../explore/fields.ts";
import { axesOf, type Brushes, moveAxis, nearestLine, type ParallelAxis, passes } from "./parallel-scale.ts";
import { type LineColors, lineColors } from "./line-colors.ts";
import type { ParallelLine } from "./plot-data.ts";

const MARGIN = { left: 60, right: 84, top: 12, bottom: 12 } as const;
const REACH_PX = 6;
/** Half of the dash that stands for a value alone. */
const LONE_PX = 4;
/** Above the axes, of a picture to take along. */
const TITLES_PX = 24;
/** Of an axis. */
const END = 0.02;

/** Says `axes` with a new order and `open` with the run whose line was clicked. */
@customElement("ty-parallel-plot")
export class ParallelPlot extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: ${TITLES_PX}px minmax(0, 1fr) 20px;
        min-height: 0;
        font-size: 11px;
      }
      .titles,
      .plot {
        position: relative;
      }
      .axis-title {
        position: absolute;
        left: var(--at);
        transform: translateX(-50%);
        display: inline-flex;
        align-items: center;
        max-width: 140px;
      }
      .axis-title .icon-button {
        width: 16px;
        height: 20px;
      }
      .axis-title .icon {
        font-size: 12px;
      }
      canvas {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
      }
      .track {
        position: absolute;
        left: calc(var(--at) - 12px);
        top: 12px;
        bottom: 12px;
        width: 24px;
        cursor: crosshair;
        touch-action: none;
      }
      .foot,
      .legend {
        display: flex;
        gap: 4px 12px;
        min-width: 0;
      }
      .foot {
        justify-content: space-between;
      }
      .legend {
        flex: none;
      }
      .entry {
        display: inline-flex;
        align-items: center;
        gap: 4px;
      }
      .swatch {
        width: 14px;
        height: 2px;
        background: var(--series);
      }
      .swatch.scale {
        width: 48px;
        height: 8px;
        background: var(--scale);
      }
      .brush {
        position: absolute;
        left: 6px;
        right: 6px;
        top: var(--top);
        height: var(--height);
        background: color-mix(in srgb, var(--vscode-foreground) 18%, transparent);
        border: 1px solid var(--vscode-contrastActiveBorder, var(--secondary));
        pointer-events: none;
      }
    `,
  ];

  @property({ attribute: false }) axes: readonly Field[] = [];
  @property({ attribute: false }) lines: readonly ParallelLine[] = [];
  /** What the lines are coloured by; null: all alike. */
  @property({ attribute: false }) color: Field | null = null;
  @state() private brushes: Brushes = new Map();
  @state() private hovered: number | null = null;
  @state() private size = { width: 600, height: 300 };
  @query("canvas") private canvas!: HTMLCanvasElement;
  #scaled: readonly ParallelAxis[] = [];
  #colors: LineColors = { of: () => "", legend: [] };
  #stop: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const watch = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = this.canvas;
      if (width !== this.size.width || height !== this.size.height) this.size = { width, height };
    });
    this.#stop = [
      documentTheme().listen(() => {
        this.requestUpdate();
      }),
      () => {
        watch.disconnect();
      },
    ];
    void this.updateComplete.then(() => {
      watch.observe(this.canvas);
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
  }

  override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has("axes") || changed.has("lines")) this.#scaled = axesOf(this.axes, this.lines);
    this.#colors = lineColors(this.lines, documentTheme().value.kind);
  }

  override updated(): void {
    this.#draw();
  }

  /** Runs that pass all brushes. */
  get passing(): readonly ParallelLine[] {
    return this.lines.filter((line) => passes(line, this.#scaled, this.brushes));
  }

  /** The picture with the titles of its axes, on the theme's ground. */
  png(): Promise<Blob | null> {
    const { foreground, background, fontFamily } = documentTheme().value;
    const ratio = window.devicePixelRatio;
    const picture = document.createElement("canvas");
    picture.width = this.canvas.width;
    picture.height = this.canvas.height + Math.round(TITLES_PX * ratio);
    const context = picture.getContext("2d");
    if (context === null) return Promise.resolve(null);
    context.fillStyle = background;
    context.fillRect(0, 0, picture.width, picture.height);
    context.drawImage(this.canvas, 0, picture.height - this.canvas.height);
    context.scale(ratio, ratio);
    context.fillStyle = foreground;
    context.font = `11px ${fontFamily}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    // Long ones are squeezed rather than laid over each other.
    const room = this.#x(1) - this.#x(0) - 8;
    for (const [index, field] of this.axes.entries()) context.fillText(fieldTitle(field), this.#x(index), TITLES_PX / 2, room);
    return new Promise((resolve) => {
      picture.toBlob(resolve);
    });
  }

  override render(): TemplateResult {
    const hovered = this.hovered === null ? undefined : this.lines[this.hovered];
    const passing = this.passing.length;
    const place = (index: number) => cssProperties({ "--at": `${String(this.#x(index))}px` });
    return html`<div class="titles">
        ${this.axes.map(
          (field, index) =>
            html`<span class="axis-title" ${place(index)}
              >${this.#mover(field, -1, index > 0)}<span class="truncate" title=${field} data-testid="axis-title">${fieldTitle(field)}</span
              >${this.#mover(field, 1, index < this.axes.length - 1)}</span
            >`,
        )}
      </div>
      <div class="plot">
        <canvas
          role="img"
          aria-label="Parallel coordinates of ${counted(this.lines.length, "run")} over ${this.axes.map(fieldTitle).join(", ")}"
          data-testid="parallel-canvas"
          @pointermove=${(event: PointerEvent) => {
            this.hovered = this.#lineAt(event);
          }}
          @pointerleave=${() => {
            this.hovered = null;
          }}
          @click=${(event: PointerEvent) => {
            const line = this.lines[this.#lineAt(event) ?? -1];
            if (line !== undefined) this.dispatchEvent(new CustomEvent<RunId>("open", { detail: line.id }));
          }}
        ></canvas>
        ${this.axes.map((field, index) => this.#track(field, place(index)))}
      </div>
      <div class="foot">
        <span class="secondary truncate" role="status" data-testid="parallel-status"
          >${hovered === undefined ? (this.brushes.size === 0 ? "Drag on an axis to brush it." : `${formatInteger(passing)} of ${counted(this.lines.length, "run")} pass`) : hovered.name}</span
        >
        ${this.#legend()}
      </div>`;
  }

  #legend(): TemplateResult | typeof nothing {
    if (this.color === null) return nothing;
    return html`<span class="legend" data-testid="parallel-legend"
      ><b>${fieldTitle(this.color)}</b>${this.#colors.legend.map(
        ({ colors, label }) =>
          html`<span class="entry"
            ><span
              class="swatch ${colors.length > 1 ? "scale" : ""}"
              ${cssProperties({ "--series": colors[0] ?? "", "--scale": `linear-gradient(to right, ${colors.join()})` })}
            ></span
            >${label}</span
          >`,
      )}</span
    >`;
  }

  #mover(field: Field, by: number, possible: boolean): TemplateResult | typeof nothing {
    if (!possible) return nothing;
    const words = by < 0 ? "left" : "right";
    return html`<button
      class="icon-button"
      aria-label="Move ${fieldTitle(field)} to the ${words}"
      title="Move to the ${words}"
      data-testid="axis-${words}-${field}"
      @click=${() => this.dispatchEvent(new CustomEvent<Field[]>("axes", { detail: moveAxis(this.axes, field, by) }))}
    >
      ${icon(by < 0 ? "chevron-left" : "chevron-right")}
    </button>`;
  }

  #track(field: Field, place: unknown): TemplateResult {
    const brush = this.brushes.get(field);
    return html`<div
      class="track"
      title="Drag to brush, double-click to clear"
      data-testid="axis-${field}"
      ${place}
      @pointerdown=${(event: PointerEvent) => {
        this.#brush(event, field);
      }}
      @dblclick=${() => {
        this.brushes = new Map([...this.brushes].filter(([other]) => other !== field));
      }}
    >
      ${
        brush === undefined
          ? nothing
          : html`<div
              class="brush"
              ${cssProperties({ "--top": `${String(100 * (1 - brush[1]))}%`, "--height": `${String(100 * (brush[1] - brush[0]))}%` })}
            ></div>`
      }
    </div>`;
  }

  #brush(event: PointerEvent, field: Field): void {
    const track = event.currentTarget as HTMLElement;
    const box = track.getBoundingClientRect();
    // The last bit of an axis means its end: the highest run stands exactly there.
    const at = (y: number): number => {
      const place = 1 - (y - box.top) / box.height;
      return place < END ? 0 : place > 1 - END ? 1 : place;
    };
    const start = at(event.clientY);
    track.setPointerCapture(event.pointerId);
    const move = (now: PointerEvent): void => {
      const end = at(now.clientY);
      if (Math.abs(end - start) > 0.01) this.brushes = new Map(this.brushes).set(field, [Math.min(start, end), Math.max(start, end)]);
    };
    track.addEventListener("pointermove", move);
    track.addEventListener(
      "lostpointercapture",
      () => {
        track.removeEventListener("pointermove", move);
      },
      { once: true },
    );
  }

  #lineAt(event: PointerEvent): number | null {
    const { width, height } = this.size;
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const x = ((event.offsetX - MARGIN.left) / inner.width) * (this.axes.length - 1);
    const y = 1 - (event.offsetY - MARGIN.top) / inner.height;
    const near = nearestLine(this.lines, this.#scaled, { x, y }, REACH_PX / inner.height);
    return near !== null && this.lines[near] !== undefined && passes(this.lines[near], this.#scaled, this.brushes) ? near : null;
  }

  #x(index: number): number {
    return MARGIN.left + (index * (this.size.width - MARGIN.left - MARGIN.right)) / Math.max(1, this.axes.length - 1);
  }

  #draw(): void {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.size;
    if (context === null || width === 0) return;
    const theme = documentTheme().value;
    const ratio = window.devicePixelRatio;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const y = (at: number): number => MARGIN.top + (1 - at) * (height - MARGIN.top - MARGIN.bottom);
    const style = this.#colors.of;
    const one = (line: ParallelLine): void => {
      const places = this.#scaled.map((axis, index) => axis.place(line.values[index] ?? null));
      context.beginPath();
      for (const [index, at] of places.entries()) {
        if (at === null) continue;
        const [before, after] = [places[index - 1] ?? null, places[index + 1] ?? null];
        if (before !== null) context.lineTo(this.#x(index), y(at));
        // A value between two that are missing is no line: a short dash stands for it.
        else context.moveTo(this.#x(index) - (after === null ? LONE_PX : 0), y(at));
        if (before === null && after === null) context.lineTo(this.#x(index) + LONE_PX, y(at));
      }
      context.stroke();
    };
    for (const [index, line] of this.lines.entries()) {
      const passing = passes(line, this.#scaled, this.brushes);
      context.strokeStyle = passing ? style(line) : theme.foreground;
      context.globalAlpha = index === this.hovered ? 1 : passing ? Math.max(0.15, Math.min(0.7, 40 / this.lines.length)) : 0.05;
      context.lineWidth = index === this.hovered ? 3 : 1.25;
      one(line);
    }
    context.globalAlpha = 1;
    context.fillStyle = theme.foreground;
    context.lineJoin = "round";
    context.font = `11px ${theme.fontFamily}`;
    context.textBaseline = "middle";
    for (const [index, { ticks }] of this.#scaled.entries()) {
      context.globalAlpha = 0.5;
      context.strokeStyle = theme.foreground;
      context.lineWidth = 1;
      context.strokeRect(this.#x(index), y(1), 0, y(0) - y(1));
      context.globalAlpha = 0.85;
      context.textAlign = index === this.#scaled.length - 1 ? "left" : "right";
      const beside = index === this.#scaled.length - 1 ? 6 : -6;
      for (const { at, label } of ticks) {
        // A halo of the ground, so that the text reads over lines.
        context.strokeStyle = theme.background;
        context.lineWidth = 3;
        context.strokeText(label, this.#x(index) + beside, y(at));
        context.fillText(label, this.#x(index) + beside, y(at));
      }
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-parallel-plot": ParallelPlot;
  }
}
