/** GPU and machine figures with five-minute sparklines. What the machine does not say is an en dash, never 0. */
import { css, html, LitElement, nothing, svg, type TemplateResult } from "lit";
import { customElement, property } from "lit/decorators.js";
import { counted } from "../../protocol/counted.ts";
import { DEFAULT_GPU_LIMITS, gpuWarnings, type GpuLimits, type GpuWarning } from "../../protocol/gpu-warnings.ts";
import type { GpuSample, RunUsage, SystemSample } from "../../protocol/system.ts";
import { formatBytes, UNKNOWN } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import { baseStyles } from "../components/styles.ts";

const WIDTH = 96;
const HEIGHT = 18;
/** A sample older than this is shown with a question mark. */
const STALE_MS = 10_000;

interface Row {
  readonly label: string;
  readonly value: string;
  readonly of: string;
  readonly history: readonly (number | null)[];
  /** Upper end of the sparkline; null takes the largest value seen. */
  readonly max: number | null;
  /** What it needs a look for. */
  readonly warning?: GpuWarning | undefined;
}

@customElement("ty-system-panel")
export class SystemPanel extends LitElement {
  static override styles = [
    ...baseStyles,
    css`
      :host {
        display: block;
        padding: 8px 12px 10px;
        font-size: 12px;
      }
      h2 {
        display: flex;
        align-items: baseline;
        gap: 8px;
        margin: 0;
        height: 24px;
        line-height: 24px;
        font-size: 12px;
        font-weight: 600;
      }
      h2 .secondary {
        font-weight: 400;
        font-size: 11px;
      }
      h2 span {
        white-space: nowrap;
      }
      h2 .window {
        margin-left: auto;
      }
      h2 .link {
        font-size: 11px;
        font-weight: 400;
      }
      .row {
        display: grid;
        grid-template-columns: 72px 88px minmax(0, 1fr);
        gap: 8px;
        align-items: center;
        height: 24px;
      }
      .row .value {
        text-align: right;
        white-space: nowrap;
      }
      .warns b,
      .warns .icon {
        color: var(--vscode-list-warningForeground, var(--vscode-charts-yellow));
      }
      .warns .icon {
        font-size: 13px;
        vertical-align: -2px;
      }
      .warns.row {
        grid-template-columns: 72px 68px minmax(0, 1fr);
      }
      .row b {
        font-weight: 600;
      }
      svg {
        display: block;
        width: 100%;
        height: 18px;
      }
      .area {
        fill: var(--vscode-charts-blue);
        opacity: 0.22;
      }
      .line {
        fill: none;
        stroke: var(--vscode-charts-blue);
        stroke-width: 1;
        vector-effect: non-scaling-stroke;
      }
      .host {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        gap: 2px 12px;
        margin-top: 6px;
        padding-top: 6px;
        border-top: 1px solid var(--hairline);
        font-size: 11px;
      }
    `,
  ];

  @property({ attribute: false }) samples: readonly SystemSample[] = [];
  /** From which on a GPU is warned of. */
  @property({ attribute: false }) limits: GpuLimits = DEFAULT_GPU_LIMITS;
  @property({ attribute: false }) usage: RunUsage | null = null;

  override render(): TemplateResult {
    const newest = this.samples.at(-1);
    // In the room of the sample that comes in a moment: what stands below is not to move.
    if (newest === undefined)
      return html`<h2><span>Machine</span> <span class="secondary">no sample yet</span></h2>
        ${["CPU", "Memory"].map((label) => this.#row({ label, value: UNKNOWN, of: "", history: [], max: null }))}
        <div class="host"><span class="secondary">Disk ${UNKNOWN}</span></div>`;
    return html`${newest.gpus.length > 0 ? newest.gpus.map((gpu) => this.#gpu(gpu, newest)) : this.#machine(newest)}
    ${this.#hostRow(newest)}`;
  }

  #gpu(gpu: GpuSample, newest: SystemSample): TemplateResult {
    const history = (read: (sample: GpuSample) => number | null): (number | null)[] =>
      this.samples.map((sample) => {
        const same = sample.gpus.find((other) => other.index === gpu.index);
        return same === undefined ? null : read(same);
      });
    const warnings = gpuWarnings(gpu, this.limits);
    const warning = (kind: GpuWarning["kind"]): GpuWarning | undefined => warnings.find((each) => each.kind === kind);
    const whole = (value: number | null, unit: string): string => (value === null ? UNKNOWN : `${value.toFixed(0)} ${unit}`);
    return html`<section aria-label="GPU ${gpu.index}">
      ${this.#title(`GPU ${String(gpu.index)}`, gpu.name, newest)}
      ${this.#row({ label: "Utilisation", value: whole(gpu.utilization_percent, "%"), of: "", history: history((g) => g.utilization_percent), max: 100 })}
      ${this.#row({ label: "Memory", value: formatBytes(gpu.memory_used_bytes), of: gpu.memory_total_bytes === null ? "" : `/ ${formatBytes(gpu.memory_total_bytes)}`, history: history((g) => g.memory_used_bytes), max: gpu.memory_total_bytes, warning: warning("gpu_memory_full") })}
      ${this.#row({ label: "Temperature", value: whole(gpu.temperature_celsius, "°C"), of: "", history: history((g) => g.temperature_celsius), max: 100, warning: warning("gpu_hot") })}
      ${this.#row({ label: "Power", value: whole(gpu.power_watts, "W"), of: gpu.power_limit_watts === null ? "" : `/ ${whole(gpu.power_limit_watts, "W")}`, history: history((g) => g.power_watts), max: gpu.power_limit_watts })}
    </section>`;
  }

  #machine(newest: SystemSample): TemplateResult {
    return html`<section aria-label="Machine">
      ${this.#title("Machine", "no GPU", newest)}
      ${this.#row({ label: "CPU", value: newest.cpu_percent === null ? UNKNOWN : `${newest.cpu_percent.toFixed(0)} %`, of: "", history: this.samples.map((s) => s.cpu_percent), max: 100 })}
      ${this.#row({ label: "Memory", value: formatBytes(newest.memory_used_bytes), of: newest.memory_total_bytes === null ? "" : `/ ${formatBytes(newest.memory_total_bytes)}`, history: this.samples.map((s) => s.memory_used_bytes), max: newest.memory_total_bytes })}
    </section>`;
  }

  #title(name: string, note: string, newest: SystemSample): TemplateResult {
    const stale = Date.now() - newest.time > STALE_MS;
    return html`<h2>
      <span>${name}</span> <span class="secondary truncate" title=${note}>${note}</span>
      <span class="secondary window">${stale ? "not current ?" : "last 5 min"}</span>
      <button
        class="link"
        data-testid="system-history"
        @click=${() => this.dispatchEvent(new CustomEvent("system-history", { bubbles: true, composed: true }))}
      >
        History
      </button>
    </h2>`;
  }

  #row(row: Row): TemplateResult {
    const { warning } = row;
    return html`<div
      class="row ${warning === undefined ? "" : "warns"}"
      title=${warning === undefined ? nothing : `${warning.message}. ${warning.hint}`}
      data-testid=${warning?.kind ?? nothing}
    >
      <span class="secondary">${row.label}</span>${sparkline(row.history, row.max)}
      <span class="value"
        >${warning === undefined ? nothing : icon("warning")} <b>${row.value}</b> <span class="secondary">${row.of}</span></span
      >
    </div>`;
  }

  #hostRow(newest: SystemSample): TemplateResult {
    const { usage } = this;
    const machine =
      newest.gpus.length === 0
        ? nothing
        : html`<span
              ><span class="secondary">Host CPU</span> ${newest.cpu_percent === null ? UNKNOWN : `${newest.cpu_percent.toFixed(0)} %`}</span
            >
            <span
              ><span class="secondary">RAM</span> ${formatBytes(newest.memory_used_bytes)}<span class="secondary">
                / ${formatBytes(newest.memory_total_bytes)}</span
              ></span
            >`;
    return html`<div class="host" data-testid="host-figures">
      ${machine}
      ${
        usage === null
          ? nothing
          : html`<span title="${counted(usage.processes, "process", "processes")}"
              ><span class="secondary">This run</span>
              ${formatBytes(usage.rss_bytes)}${usage.cpu_percent === null ? nothing : ` · ${usage.cpu_percent.toFixed(0)} % CPU`}</span
            >`
      }
      <span><span class="secondary">Disk</span> ${formatBytes(newest.disk_free_bytes)} <span class="secondary">free</span></span>
    </div>`;
  }
}

function sparkline(history: readonly (number | null)[], max: number | null): TemplateResult {
  const known = history.filter((value) => value !== null);
  const top = max ?? Math.max(...known, 1);
  const points = history.flatMap((value, i) =>
    value === null
      ? []
      : [
          `${((i / Math.max(1, history.length - 1)) * WIDTH).toFixed(1)},${(HEIGHT - 1 - Math.min(1, value / top) * (HEIGHT - 2)).toFixed(1)}`,
        ],
  );
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    ${
      points.length > 1
        ? svg`<polygon class="area" points="0,${HEIGHT} ${points.join(" ")} ${points.at(-1)?.split(",")[0] ?? ""},${HEIGHT}"></polygon><polyline class="line" points=${points.join(" ")}></polyline>`
        : nothing
    }
  </svg>`;
}

declare global {
  interface HTMLElementTagNameMap {
    "ty-system-panel": SystemPanel;
  }
}
