/**
 * The frame of a chart: axes, scales and grid, specified in Vega-Lite, compiled at build time (frames.json) and drawn by Vega with
 * the expression interpreter, so that it runs under a Content Security Policy without unsafe-eval.
 */
import { type Config, parse, type Spec, View } from "vega";
import { expressionInterpreter } from "vega-interpreter";
import type { Theme } from "../components/theme.ts";
import type { XAxis } from "./chart-sync.ts";
import frames from "./frames.json" with { type: "json" };
import { isLight } from "./palette.ts";
import type { Domain } from "./scale.ts";
import type { MakeFormat } from "./ticks.ts";

/** Pixels around the plot, except on the left, where the labels decide. */
export const PLOT_PADDING = { right: 14, top: 10, bottom: 24 } as const;
/** Between a label of the y axis and the plot, CSS pixels. */
export const LABEL_PADDING = 6;
export const LABEL_SIZE = 11;

export interface FrameInput {
  readonly xAxis: XAxis;
  readonly logY: boolean;
  readonly x: Domain;
  /** Of an axis of numbers: what it counts, "" where that needs no word; d3 format of its labels; least distance of them. */
  readonly xTitle: string;
  readonly xFormat: string;
  readonly xLeast: number;
  readonly y: Domain;
  /** d3 format of the y labels, and about how many there are. */
  readonly yFormat: string;
  readonly yTicks: number;
  /** Room for the y labels left of the plot, in CSS pixels. */
  readonly left: number;
  /** Of the plot, without padding, in CSS pixels. */
  readonly width: number;
  readonly height: number;
}

export class VegaFrame {
  readonly #host: HTMLElement;
  #view: View | null = null;
  #kind = "";
  #theme: Theme | null = null;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  draw(input: FrameInput, theme: Theme): void {
    const x = input.xAxis === "wall" || input.xAxis === "relative" ? input.xAxis : "number";
    const kind = `${x}-${input.logY ? "log" : "linear"}` as const;
    if (this.#view === null || kind !== this.#kind || theme !== this.#theme) {
      this.#view?.finalize();
      this.#host.replaceChildren();
      this.#kind = kind;
      this.#theme = theme;
      const runtime = parse(frames[kind] as Spec, vegaConfig(theme), { ast: true });
      this.#view = new View(runtime, { expr: expressionInterpreter, renderer: "canvas", hover: false });
      this.#view.initialize(this.#host);
    }
    this.#view
      .padding({ ...PLOT_PADDING, left: input.left })
      .width(input.width)
      .height(input.height)
      .signal("x0", input.x[0])
      .signal("x1", input.x[1])
      .signal("xTitle", input.xTitle)
      .signal("xFormat", input.xFormat)
      .signal("xLeast", input.xLeast)
      .signal("y0", input.y[0])
      .signal("y1", input.y[1])
      .signal("yFormat", input.yFormat)
      .signal("yTicks", input.yTicks)
      .run();
  }

  /** How this frame writes numbers, null before the first drawing. */
  get makeFormat(): MakeFormat | null {
    const view = this.#view;
    return view === null ? null : (specifier) => view.locale().format(specifier);
  }

  /** The canvas that Vega draws on, for the picture export. */
  get canvas(): HTMLCanvasElement | null {
    return this.#host.querySelector("canvas");
  }

  /** The frame as an svg element; null before the first drawing. */
  async toSvg(): Promise<string | null> {
    return (await this.#view?.toSVG()) ?? null;
  }

  dispose(): void {
    this.#view?.finalize();
    this.#view = null;
  }
}

function vegaConfig(theme: Theme): Config {
  const light = isLight(theme.kind);
  const contrast = theme.kind.startsWith("high-contrast");
  return {
    axis: {
      labelColor: theme.foreground,
      labelOpacity: contrast ? 1 : light ? 0.8 : 0.74,
      labelFont: theme.fontFamily,
      labelFontSize: LABEL_SIZE,
      labelPadding: LABEL_PADDING,
      ticks: false,
      gridColor: theme.foreground,
      gridOpacity: contrast ? 0.3 : 0.08,
      domainColor: theme.foreground,
      domainOpacity: contrast ? 1 : 0.28,
      titleColor: theme.foreground,
      titleOpacity: contrast ? 1 : light ? 0.8 : 0.74,
      titleFont: theme.fontFamily,
      titleFontSize: LABEL_SIZE,
      titleFontWeight: "normal",
    },
    axisY: { domain: false },
    style: { cell: { stroke: "transparent" } },
  };
}
