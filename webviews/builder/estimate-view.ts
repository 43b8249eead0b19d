/** Will it fit, and how long will it take? Steps, memory with its parts and its range, disk and time, each with what it rests on. */
import { html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import type { MemoryEstimate, MemoryPartName, RunEstimate } from "../../protocol/estimate.ts";
import { lineStyle, type ThemeKind } from "../charts/palette.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatBytes, formatDuration, formatInteger } from "../components/format.ts";
import { icon, type IconName } from "../components/icons.ts";

/** A part keeps its colour whatever else is there. */
const SLOTS: ReadonlyMap<string, number> = new Map([
  ["weights", 0],
  ["activations", 1],
  ["logits", 2],
  ["gradients", 3],
  ["dataset", 4],
  ["optimizer", 5],
  ["framework", 6],
]);

function partColor(name: MemoryPartName, theme: ThemeKind): string {
  return lineStyle(SLOTS.get(name) ?? 7, theme).color;
}

export function estimateView(estimate: RunEstimate, theme: ThemeKind): TemplateResult {
  const { memory, disk, time } = estimate;
  return html`<div class="estimate" data-testid="estimate">
    <div class="figures">
      ${figure("Effective batch", estimate.effective_batch === null ? null : formatInteger(estimate.effective_batch))}
      ${figure("Steps", estimate.steps === null ? null : formatInteger(estimate.steps))} ${figure("Trainable", trainable(estimate))}
      ${
        time === null
          ? figure("Time", null)
          : html`<div class="figure" title=${time.evidence}>
              <span class="secondary">Time</span><b>${formatDuration(time.likely_seconds)}</b
              ><span class="secondary">${formatDuration(time.low_seconds)} to ${formatDuration(time.high_seconds)}</span>
            </div>`
      }
    </div>
    ${memory.length === 0 ? nothing : html`<h3>Memory</h3>`} ${memory.map((each) => memoryRow(each, theme))}
    ${
      disk === null
        ? nothing
        : html`<h3>
              Disk
              <span class="secondary"
                >${formatBytes(disk.total_bytes)}${disk.free_bytes === null ? "" : ` of ${formatBytes(disk.free_bytes)} free`}</span
              >
            </h3>
            <p class="secondary">
              ${counted(disk.checkpoints, "checkpoint")} of ${formatBytes(disk.checkpoint_bytes)}, final model
              ${formatBytes(disk.final_model_bytes)}
            </p>`
    }
  </div>`;
}

function figure(label: string, value: string | null): TemplateResult | typeof nothing {
  return value === null ? nothing : html`<div class="figure"><span class="secondary">${label}</span><b>${value}</b></div>`;
}

function trainable({ trainable_parameters: own, total_parameters: all }: RunEstimate): string | null {
  if (own === null) return null;
  const share = all === null || all === 0 || own === all ? "" : ` (${((100 * own) / all).toPrecision(2)} %)`;
  return `${shortCount(own)}${share}`;
}

function shortCount(count: number): string {
  const [unit, size] = count >= 1e9 ? ["B", 1e9] : count >= 1e6 ? ["M", 1e6] : count >= 1e4 ? ["k", 1e3] : ["", 1];
  return size === 1 ? formatInteger(count) : `${(count / size).toPrecision(3)} ${unit}`;
}

/** Against what is free; a range that ends beyond it is tight, one that begins beyond it does not fit. */
export function memoryFit(memory: MemoryEstimate): readonly [IconName, string, string] {
  const { free_bytes: free, low_bytes: low, high_bytes: high } = memory;
  if (free === null) return ["info", "secondary", ""];
  if (low > free) return ["error", "bad", "does not fit: "];
  return high > free ? ["warning", "warn", "tight: "] : ["pass", "ok", "fits: "];
}

function memoryRow(memory: MemoryEstimate, theme: ThemeKind): TemplateResult {
  const [symbol, tone, word] = memoryFit(memory);
  const { low_bytes: low, likely_bytes: likely, high_bytes: high, free_bytes: free, total_bytes: total } = memory;
  const whole = Math.max(high, free ?? 0, 1) * 1.02;
  const sum = memory.parts.reduce((bytes, part) => bytes + part.bytes, 0) || 1;
  const percent = (bytes: number): string => `${String((100 * bytes) / whole)}%`;
  const range = `${formatBytes(low)} to ${formatBytes(high)}`;
  const basis = { formula: "from the sizes alone", "earlier runs": "corrected by earlier runs", probe: "measured by a probe" }[
    memory.basis
  ];
  return html`<div class="memory" title=${memory.evidence ?? basis}>
    <div class="fit">
      <span class=${tone}>${icon(symbol)}</span><span>${memory.name}</span><b>${word}${formatBytes(likely)}</b
      ><span class="secondary"
        >${range}${free === null ? "" : ` · ${formatBytes(free)} free`}${total === null ? "" : ` of ${formatBytes(total)}`}</span
      >
    </div>
    <div class="bar" role="img" aria-label=${`${memory.name}: ${word}${formatBytes(likely)}, ${range}`}>
      ${memory.parts.map(
        (part) =>
          html`<span
            class="part"
            ${cssProperties({ width: percent((part.bytes / sum) * likely), background: partColor(part.name, theme) })}
          ></span>`,
      )}
      <span class="range" ${cssProperties({ left: percent(low), width: percent(high - low) })}></span>
      ${free === null ? nothing : html`<span class="free" ${cssProperties({ left: percent(free) })}></span>`}
    </div>
    <div class="parts secondary">
      ${memory.parts.map(
        (part) =>
          html`<span
            ><span class="swatch" ${cssProperties({ background: partColor(part.name, theme) })}></span>${part.name}
            ${formatBytes(part.bytes)}</span
          >`,
      )}
      <span>${basis}</span>
    </div>
  </div>`;
}
