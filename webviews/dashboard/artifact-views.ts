/** What a preview shows of a file, by the kind that the server found. Everything that comes from the file is text. */
import { html, nothing, type TemplateResult } from "lit";
import { counted } from "../../protocol/counted.ts";
import type { ArtifactPreview, ParquetPreview } from "../../protocol/export.ts";
import { formatBytes, formatInteger, formatJson } from "../components/format.ts";
import { icon } from "../components/icons.ts";

type Preview<K extends ArtifactPreview["kind"]> = Extract<ArtifactPreview, { kind: K }>;

/** Lines or rows that are shown at first; of Parquet those of a page. */
export const PREVIEW_ROWS = 100;
/** A page can hold a hundred thousand cells, but nobody can look at them. */
const MOST_COLUMNS = 200;
/** Images and sounds that a browser decodes and that cannot hold scripts. */
const MEDIA_TYPES = /^(?:image\/(?:png|jpeg|gif|webp)|audio\/(?:wav|mpeg|ogg|flac))$/;

export interface PreviewActions {
  /** Row that the Parquet page begins with. */
  readonly page: (offset: number) => void;
  /** Asks for as many lines or rows as the server sends at most; null when they are here. */
  readonly more: (() => void) | null;
  readonly broken: () => void;
}

/** @param url address of the media's bytes in this page, or null */
export function previewView(preview: ArtifactPreview, url: string | null, label: string, actions: PreviewActions): TemplateResult {
  switch (preview.kind) {
    case "text":
      return html`<pre class="content mono" data-testid="preview-text">${preview.text}</pre>
        ${moreLine(preview, "lines", actions)}`;
    case "json":
      return html`<pre class="content mono" data-testid="preview-json">${JSON.stringify(preview.value, null, 2)}</pre>`;
    case "table":
      return html`${grid(
        preview.columns.map((name) => ({ name, type: "" })),
        preview.rows,
        1,
      )}${moreLine(preview, "rows", actions)}`;
    case "parquet":
      return parquet(preview, actions);
    case "safetensors":
      return safetensors(preview);
    case "numpy":
      return facts("preview-numpy", [
        ["Type", preview.dtype],
        ["Shape", shapeText(preview.shape)],
        ["Elements", formatInteger(preview.shape.reduce((product, size) => product * size, 1))],
        ["Order", preview.fortran_order ? "Fortran (columns first)" : "C (rows first)"],
        ["Size", formatBytes(preview.size_bytes)],
      ]);
    case "media":
      return media(preview, url, label, actions);
    case "binary":
      return html`${preview.problem === null ? nothing : html`<p class="note" role="note">${preview.problem}</p>`}
        <p class="note secondary">Its first bytes; pickles and programs are never opened.</p>
        <pre class="content mono" data-testid="preview-binary">${hexLines(preview.head)}</pre>`;
  }
}

/** Can these bytes be given to an element of this page? */
export function isShownMedia(preview: ArtifactPreview): preview is Preview<"media"> & { data: string } {
  return preview.kind === "media" && preview.data !== null && MEDIA_TYPES.test(preview.media_type);
}

function media(preview: Preview<"media">, url: string | null, label: string, actions: PreviewActions): TemplateResult {
  if (url === null)
    return html`<p class="note" data-testid="preview-too-large">
      ${preview.data === null ? `${formatBytes(preview.size_bytes)} are too large for a preview. Download it.` : "It is of a kind that is not shown. Download it."}
    </p>`;
  return preview.media_type.startsWith("audio/")
    ? html`<audio controls src=${url} aria-label=${label} data-testid="preview-audio" @error=${actions.broken}></audio>`
    : html`<img src=${url} alt=${label} data-testid="preview-image" @error=${actions.broken} />`;
}

function moreLine(preview: Preview<"text" | "table">, what: string, { more }: PreviewActions): TemplateResult | typeof nothing {
  if (!preview.truncated) return nothing;
  return html`<p class="note secondary">
    There are more ${what} than are shown.
    ${more === null ? html`Download the file for all of it.` : html`<button class="link" data-testid="preview-more" @click=${more}>Show more</button>`}
  </p>`;
}

function grid(
  columns: readonly { readonly name: string; readonly type: string }[],
  rows: readonly (readonly (string | null)[])[],
  first: number,
): TemplateResult {
  const shown = columns.slice(0, MOST_COLUMNS);
  return html`<table class="grid" aria-label="Rows" data-testid="preview-table">
      <thead>
        <tr>
          <th scope="col" class="number"></th>
          ${shown.map(({ name, type }) => html`<th scope="col">${name}${type === "" ? nothing : html` <span class="secondary">${type}</span>`}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row, index) =>
            html`<tr>
              <th scope="row" class="number secondary">${formatInteger(first + index)}</th>
              ${row.slice(0, MOST_COLUMNS).map((cell) => (cell === null ? html`<td class="secondary">null</td>` : html`<td class="mono" title=${cell}>${cell}</td>`))}
            </tr>`,
        )}
      </tbody>
    </table>
    ${
      columns.length > MOST_COLUMNS
        ? html`<p class="note secondary">The first ${MOST_COLUMNS} of ${formatInteger(columns.length)} columns.</p>`
        : nothing
    }`;
}

function parquet(preview: ParquetPreview, { page }: PreviewActions): TemplateResult {
  const { offset, rows, row_count: count } = preview;
  const end = offset + rows.length;
  return html`<div class="pages" data-testid="preview-parquet">
      <button
        class="icon-button"
        aria-label="Earlier rows"
        title="Earlier rows"
        data-testid="preview-earlier"
        ?disabled=${offset === 0}
        @click=${() => {
          page(Math.max(0, offset - PREVIEW_ROWS));
        }}
      >
        ${icon("chevron-left")}
      </button>
      <span data-testid="preview-range"
        >${rows.length === 0 ? "No rows" : `Rows ${formatInteger(offset + 1)}–${formatInteger(end)}`} of ${formatInteger(count)}</span
      >
      <button
        class="icon-button"
        aria-label="Later rows"
        title="Later rows"
        data-testid="preview-later"
        ?disabled=${end >= count || rows.length === 0}
        @click=${() => {
          page(end);
        }}
      >
        ${icon("chevron-right")}
      </button>
      <span class="secondary">${counted(preview.columns.length, "column")} · ${counted(preview.row_groups, "row group")}</span>
    </div>
    ${preview.problem === null ? nothing : html`<p class="note" role="note">${preview.problem}</p>`}
    ${grid(preview.columns, rows, offset + 1)} ${metadataView(preview.metadata)}`;
}

function safetensors(preview: Preview<"safetensors">): TemplateResult {
  return html`<p class="note">
      ${counted(preview.tensor_count, "tensor")},
      ${counted(preview.parameter_count, "parameter")}${preview.truncated ? html`<span class="secondary"> · the first ${formatInteger(preview.tensors.length)} are listed</span>` : nothing}
    </p>
    <table class="grid" aria-label="Tensors" data-testid="preview-tensors">
      <thead>
        <tr>
          <th scope="col">Tensor</th>
          <th scope="col">Type</th>
          <th scope="col">Shape</th>
          <th scope="col" class="number">Size</th>
        </tr>
      </thead>
      <tbody>
        ${preview.tensors.map(
          ({ name, dtype, shape, size_bytes: size }) =>
            html`<tr>
              <td class="mono" title=${name}>${name}</td>
              <td>${dtype}</td>
              <td class="mono">${shapeText(shape)}</td>
              <td class="number">${formatBytes(size)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${metadataView(Object.fromEntries(Object.entries(preview.metadata).map(([name, value]) => [name, formatJson(value)])))}`;
}

function metadataView(metadata: Readonly<Record<string, string>>): TemplateResult | typeof nothing {
  const entries = Object.entries(metadata);
  if (entries.length === 0) return nothing;
  return html`<details>
    <summary>Metadata</summary>
    ${facts("preview-metadata", entries)}
  </details>`;
}

function facts(testid: string, rows: readonly (readonly [string, string])[]): TemplateResult {
  return html`<table class="facts" data-testid=${testid}>
    <tbody>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row" class="secondary">${name}</th>
            <td class="mono">${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** As NumPy and PyTorch write it; a scalar has no sizes. */
function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/** Sixteen bytes a line, with their place in front and what is printable of them behind. */
function hexLines(head: string): string {
  const bytes = (head.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.slice(at, at + 16);
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}
