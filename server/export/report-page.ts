/** The parts of a report as HTML. Pure; every value is escaped by the template. */
import type { Checkpoint } from "../../protocol/artifact.ts";
import type { ExportedRun, ExportProvenance } from "../../protocol/export.ts";
import type { JsonObject, JsonValue, WireNumber } from "../../protocol/json.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import { html, Markup } from "./markup.ts";
import { REPORT_STYLE, reportLine } from "./report-style.ts";

export interface ReportChart {
  readonly metric: string;
  /** An svg element. */
  readonly svg: Markup;
  readonly caption: string;
}

export function page(title: string, body: readonly (Markup | null)[]): Markup {
  // No script at all; the policy holds even if a value found a way into the markup.
  const policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        <style>
          ${new Markup(REPORT_STYLE)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html> `;
}

export function head(run: ExportedRun): Markup {
  const facts = [run.project, run.recipe, run.id, span("started", run.started_at), span("ended", run.ended_at), took(run)];
  return html`<h1>${run.name}</h1>
    <p class="facts">
      <span class="state ${run.state}">${run.state}</span>${facts.map((fact) => (fact === null ? null : html`<span>${fact}</span>`))}
    </p>
    ${run.tags.length === 0 ? null : html`<p class="facts">${run.tags.map((tag) => html`<span class="tag">${tag}</span>`)}</p>`}
    ${[run.description, run.notes].map((text) => (text === "" ? null : html`<p class="note">${text}</p>`))}${failure(run)}`;
}

export function comparisonHead(runs: readonly ExportedRun[]): Markup {
  const rows = runs.map((run, i) => {
    const cells = [run.state, run.project, run.recipe, clock(run.started_at) ?? "", took(run) ?? ""];
    return html`<tr>
      <td>${swatch(i)}${run.name}</td>
      ${cells.map((cell) => html`<td>${cell}</td>`)}
      <td class="quiet">${run.id}</td>
    </tr>`;
  });
  return html`<h1>${runs.length} runs compared</h1>
    ${table(["run", "state", "project", "recipe", "started", "took", "id"].map(textHead), rows)}
    ${runs.map((run) =>
      run.failure === null
        ? null
        : html`<h2>${run.name} failed</h2>
            ${failure(run)}`,
    )}`;
}

export function charts(runs: readonly ExportedRun[], all: readonly ReportChart[]): Markup | null {
  if (all.length === 0) return null;
  const legend =
    runs.length === 1
      ? null
      : html`<ul class="legend">
          ${runs.map((run, i) => html`<li>${swatch(i)}${run.name}</li>`)}
        </ul>`;
  const figures = all.map(
    ({ metric, svg, caption }) =>
      html`<figure>
        <figcaption>${metric}<span class="quiet">${caption}</span></figcaption>
        ${svg}
      </figure>`,
  );
  return html`<h2>Curves</h2>
    ${legend}
    <div class="charts">${figures}</div>`;
}

export function metricsTable(runs: readonly ExportedRun[]): Markup | null {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.metrics)))];
  if (names.length === 0) return null;
  const [only] = runs;
  if (runs.length === 1 && only !== undefined) {
    const rows = Object.entries(only.metrics).map(
      ([name, m]) =>
        html`<tr>
          <td class="key">${name}</td>
          ${[m.last, m.last_step, m.min, m.min_step, m.max, m.max_step, m.count].map(numberCell)}
        </tr>`,
    );
    const columns = ["last", "at step", "lowest", "at step", "highest", "at step", "points"];
    return html`<h2>Metrics</h2>
      ${table([textHead("metric"), ...columns.map(numberHead)], rows)}`;
  }
  const rows = names.flatMap((name) =>
    (["last", "min", "max"] as const).map((part) => {
      const values = runs.map((run) => run.metrics[name]?.[part] ?? null);
      const title = part === "last" ? html`<td class="key">${name}</td>` : html`<td></td>`;
      return html`<tr>
        ${title}
        <td class="quiet">${{ last: "last", min: "lowest", max: "highest" }[part]}</td>
        ${values.map((value, i) => differenceCell(value, i === 0 ? null : (values[0] ?? null)))}
      </tr>`;
    }),
  );
  const columns = runs.map((run, i) => html`<th class="number">${swatch(i)}${run.name}</th>`);
  return html`<h2>Metrics</h2>
    <p class="facts">In brackets: the difference to the first run.</p>
    ${table([textHead("metric"), textHead(""), ...columns], rows)}`;
}

/** A table with a column per run; what is not the same everywhere is marked. */
export function factsTable(title: string, runs: readonly ExportedRun[], of: (run: ExportedRun) => JsonValue): Markup | null {
  const facts = runs.map((run) => flat(of(run)));
  const keys = [...new Set(facts.flatMap((own) => [...own.keys()]))];
  if (keys.length === 0) return null;
  const rows = keys.map((key) => {
    const values = facts.map((own) => own.get(key) ?? "");
    const differs = new Set(values).size > 1;
    return html`<tr class="${differs ? "differs" : ""}">
      <td class="key">${key}</td>
      ${values.map((value) => html`<td>${value}</td>`)}
    </tr>`;
  });
  const names = runs.length === 1 ? [] : [textHead(""), ...runs.map((run, i) => html`<th>${swatch(i)}${run.name}</th>`)];
  const content = table(names, rows);
  return keys.length > 40
    ? html`<details>
        <summary>${title} (${keys.length})</summary>
        ${content}
      </details>`
    : html`<h2>${title}</h2>
        ${content}`;
}

export function checkpointsTable(run: ExportedRun, checkpoints: readonly Checkpoint[]): Markup | null {
  if (checkpoints.length === 0) return null;
  const rows = checkpoints.map((one) => {
    const tags = one.tags.map(({ tag, notes }) => (notes === "" ? tag : `${tag}: ${notes}`)).join(", ");
    return html`<tr>
      <td class="key">${one.name}</td>
      ${numberCell(one.step)}
      <td>${one.kind}</td>
      <td>${one.status}</td>
      ${numberCell(one.size_bytes)}
      <td>${tags}</td>
    </tr>`;
  });
  return html`<h2>Checkpoints of ${run.name}</h2>
    ${table([textHead("name"), numberHead("step"), textHead("kind"), textHead("status"), numberHead("bytes"), textHead("tags")], rows)}`;
}

export function document(run: ExportedRun): Markup | null {
  return run.spec_source.trim() === ""
    ? null
    : html`<h2>Document of ${run.name}</h2>
        <pre>${run.spec_source}</pre>`;
}

export function footer({ version, store, exported_at: at, query }: ExportProvenance): Markup {
  return html`<footer>
    Made ${at} by Trainyard ${version} from the store ${store}: runs ${query.runs.join(", ")}; metrics ${query.metrics.join(", ")}.
  </footer>`;
}

function failure({ failure: found, state_reason: reason }: ExportedRun): Markup | null {
  if (found === null) return reason === null ? null : html`<p class="note quiet">${reason}</p>`;
  const evidence = found.evidence.length === 0 ? null : html`<pre>${found.evidence.join("\n")}</pre>`;
  return html`<div class="failure"><strong>${found.message}</strong><br />${found.advice}</div>
    ${evidence}`;
}

function swatch(place: number): Markup {
  const { color, dash } = reportLine(place);
  return html`<svg width="18" height="8" aria-hidden="true">
    <line x1="0" y1="4" x2="18" y2="4" stroke-width="3" stroke="${color}" stroke-dasharray="${dash.join(" ")}" />
  </svg> `;
}

/** A table that scrolls by itself when it is wider than the page. @param heads cells of the first row, none for a table without one */
function table(heads: readonly Markup[], rows: readonly Markup[]): Markup {
  const titles =
    heads.length === 0
      ? null
      : html`<thead>
          <tr>
            ${heads}
          </tr>
        </thead>`;
  return html`<div class="scroll">
    <table>
      ${titles}
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function textHead(name: string): Markup {
  return html`<th>${name}</th>`;
}

function numberHead(name: string): Markup {
  return html`<th class="number">${name}</th>`;
}

function numberCell(value: WireNumber | null): Markup {
  return html`<td class="number">${value === null ? "" : shortNumber(fromWireNumber(value))}</td>`;
}

function differenceCell(value: WireNumber | null, base: WireNumber | null): Markup {
  if (value === null || base === null) return numberCell(value);
  const difference = fromWireNumber(value) - fromWireNumber(base);
  const signed = Number.isFinite(difference) && difference !== 0 ? ` (${difference > 0 ? "+" : ""}${shortNumber(difference)})` : "";
  return html`<td class="number">${shortNumber(fromWireNumber(value))}<span class="quiet">${signed}</span></td>`;
}

/** Six digits are enough to read; the exact numbers are in the other formats. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value).replace("-", "−");
  return (Number.isFinite(value) ? String(Number(value.toPrecision(6))) : String(value)).replace("-", "−");
}

function span(word: string, instant: string | null): string | null {
  const shown = clock(instant);
  return shown === null ? null : `${word} ${shown}`;
}

function clock(instant: string | null): string | null {
  return instant === null ? null : `${new Date(instant).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function took({ started_at: start, ended_at: end }: ExportedRun): string | null {
  if (start === null || end === null) return null;
  const seconds = Math.max(0, Math.round((Date.parse(end) - Date.parse(start)) / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

function flat(value: JsonValue, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  const add = (key: string, inner: JsonValue): void => {
    if (isObject(inner)) for (const [name, deeper] of Object.entries(inner)) add(key === "" ? name : `${key}.${name}`, deeper);
    else if (inner !== null) found.set(key, typeof inner === "string" ? inner : JSON.stringify(inner));
  };
  add(prefix, value);
  return found;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
