/** Cells of the table: a run's values, and a group's statistics. */
import { html, nothing, svg, type TemplateResult } from "lit";
import type { FieldInfo } from "../../protocol/analysis.ts";
import { counted } from "../../protocol/counted.ts";
import { WireNumber } from "../../protocol/json.ts";
import { fromWireNumber } from "../../protocol/wire-number.ts";
import type { GroupStatistic } from "../../protocol/saved.ts";
import { cssProperties } from "../components/css-vars.ts";
import { formatInteger, formatLike, formatValue } from "../components/format.ts";
import { icon } from "../components/icons.ts";
import type { ColumnLayout, PlacedColumn } from "./column-layout.ts";
import type { GroupNode } from "./groups.ts";
import { cellText, type Field, fieldTitle, isNumeric } from "./fields.ts";
import { type Row, tagsOf, tagsText, text } from "./scope.ts";
import { SPARK_HEIGHT, SPARK_WIDTH } from "./sparklines.ts";

interface CellPlace {
  /** A curve before the value, as the path of its line; null in columns without. */
  readonly spark: string | null;
  readonly style: string;
  readonly left: Readonly<Record<string, string>>;
  readonly now: number;
}

export function valueCell(row: Row, { field, index }: PlacedColumn, info: FieldInfo | undefined, place: CellPlace): TemplateResult {
  const value = row.values[field];
  const shown = cellText(field, value, place.now);
  const { spark } = place;
  const bar = spark === null && field.startsWith("metrics.") ? barOf(value, info) : null;
  const numeric = isNumeric(field, info) ? "number" : "";
  return html`<span
    role="gridcell"
    class="${spark === null ? "truncate" : "sparked"} ${numeric} ${bar === null ? "" : "bar"} ${place.style}"
    title=${shown}
    aria-colindex=${index + 4}
    data-column=${field}
    ${cssProperties(bar === null ? place.left : { ...place.left, "--bar": `${bar.toFixed(1)}%` })}
    >${spark === null ? shown : html`${sparkline(spark)}<span class="value">${shown}</span>`}</span
  >`;
}

function sparkline(path: string): TemplateResult {
  return html`<svg
    class="spark"
    viewBox="0 0 ${SPARK_WIDTH} ${SPARK_HEIGHT}"
    preserveAspectRatio="none"
    aria-hidden="true"
    data-testid="spark"
  >
    ${path === "" ? nothing : svg`<path d=${path} vector-effect="non-scaling-stroke" />`}
  </svg>`;
}

export interface TagsEditing {
  readonly editing: boolean;
  readonly onEdit: () => void;
  readonly onSave: (typed: string) => void;
  readonly onCancel: () => void;
  /** The keyboard ended the editing: the focus goes back to the row. */
  readonly onKeyboardEnd: () => void;
}

export function tagsCell(row: Row, { index }: PlacedColumn, place: CellPlace, edit: TagsEditing): TemplateResult {
  const tags = tagsOf(row);
  const name = text(row, "record.name");
  if (edit.editing)
    return html`<span role="gridcell" class="tags ${place.style}" aria-colindex=${index + 4} ${cssProperties(place.left)}
      ><input
        class="input tags-input"
        aria-label="Tags of ${name}, separated by commas"
        data-testid="tags-input"
        .value=${tagsText(row)}
        @click=${(event: Event) => {
          event.stopPropagation();
        }}
        @keydown=${(event: KeyboardEvent) => {
          event.stopPropagation();
          if (event.key !== "Enter" && event.key !== "Escape") return;
          if (event.key === "Enter") edit.onSave((event.target as HTMLInputElement).value);
          else edit.onCancel();
          edit.onKeyboardEnd();
        }}
        @blur=${(event: FocusEvent) => {
          edit.onSave((event.target as HTMLInputElement).value);
        }}
    /></span>`;
  const onEdit = (event: Event): void => {
    event.stopPropagation();
    edit.onEdit();
  };
  return html`<span
    role="gridcell"
    class="tags ${place.style}"
    aria-colindex=${index + 4}
    title="${tags.length === 0 ? "" : `${tags.join(", ")}\n`}Double-click to edit the tags (T)"
    data-testid="tags"
    ${cssProperties(place.left)}
    @dblclick=${onEdit}
    >${tags.map((tag) => html`<span class="tag truncate">${tag}</span>`)}<button
      class="icon-button edit"
      tabindex="-1"
      aria-label="Edit the tags of ${name}"
      @click=${onEdit}
    >
      ${icon("edit")}
    </button></span
  >`;
}

/** Where a value lies between the lowest and the highest of all runs, in percent of the cell. */
function barOf(value: unknown, info: FieldInfo | undefined): number | null {
  const number = WireNumber.safeParse(value);
  if (!number.success || info === undefined || info.min === null || info.max === null || info.min >= info.max) return null;
  const finite = fromWireNumber(number.data);
  if (!Number.isFinite(finite)) return null;
  return 100 * Math.max(0, Math.min(1, (finite - info.min) / (info.max - info.min)));
}

/** The values that the group's runs share, one after the other: `optim adamw`, `lora.r 16`; a dash where they have none. */
function groupTexts(fields: readonly Field[], group: GroupNode): { readonly field: string; readonly value: string }[] {
  return group.key.map((value, index) => {
    const field = fields[index] ?? "";
    return { field: fieldTitle(field), value: cellText(field, value, Date.now()) };
  });
}

export interface GroupLine {
  readonly index: number;
  readonly top: number;
  readonly columns: ColumnLayout;
  readonly fields: readonly Field[];
  readonly statistic: GroupStatistic;
  readonly folded: boolean;
  /** Runs of it that have lines. */
  readonly shown: number;
  readonly active: boolean;
  readonly onFold: () => void;
  readonly onFocus: () => void;
  readonly onMore: () => void;
}

const INDENT_PX = 16;

/** The header of a group: what its runs share, how many there are, and a statistic in each column of numbers. */
export function groupLine(group: GroupNode, line: GroupLine): TemplateResult {
  const { index, columns, folded } = line;
  const hidden = group.innermost ? group.runs - line.shown : 0;
  const values = groupTexts(line.fields, group);
  const label = values.map(({ field, value }) => `${field} ${value}`).join(" · ");
  const cell = ({ field }: PlacedColumn): TemplateResult => groupCell(group, field, line.statistic);
  return html`<div
    class="row group"
    role="row"
    aria-rowindex=${index + 2}
    aria-expanded=${folded ? "false" : "true"}
    aria-label="${label}, ${counted(group.runs, "run")}"
    tabindex=${line.active ? "0" : "-1"}
    data-testid="explore-group"
    data-index=${index}
    ${cssProperties({ "--top": `${String(line.top)}px` })}
    @click=${line.onFold}
    @focus=${line.onFocus}
  >
    <span role="gridcell" class="title" ${cssProperties({ "--indent": `${String(INDENT_PX * group.level)}px` })}
      >${icon(folded ? "chevron-right" : "chevron-down")}<span class="truncate" title=${label}
        ><span class="field">${values.at(-1)?.field ?? ""} </span>${values.at(-1)?.value ?? ""}</span
      ><span class="secondary">${formatInteger(group.runs)}</span>${
        hidden === 0 || folded
          ? nothing
          : html`<button
              class="link"
              tabindex="-1"
              data-testid="group-more"
              @click=${(event: Event) => {
                event.stopPropagation();
                line.onMore();
              }}
            >
              Show ${formatInteger(hidden)} more
            </button>`
      }</span
    >
    ${columns.pinned.map(cell)}<span role="presentation"></span>${columns.visible.map(cell)}
  </div>`;
}

/** As the values below it read: settings without digits that say nothing. */
function statisticText(field: Field, value: number): string {
  if (field.startsWith("params.")) return cellText(field, Number(value.toPrecision(4)), Date.now());
  return field.startsWith("record.") ? cellText(field, value, Date.now()) : formatValue(value);
}

function groupCell(group: GroupNode, field: Field, statistic: GroupStatistic): TemplateResult {
  const found = group.values[field];
  if (found === undefined || found.count === 0) return html`<span role="gridcell"></span>`;
  const value = found[statistic];
  const spread = found.std === null ? "" : ` ± ${formatLike(found.std, found.mean ?? 0)}`;
  const whole = [
    `${String(found.count)} of ${counted(group.runs, "run")}`,
    `mean ${formatValue(found.mean)}${spread}`,
    `median ${formatValue(found.median)}`,
    `${formatValue(found.min)} … ${formatValue(found.max)}`,
  ].join("\n");
  return html`<span role="gridcell" class="number truncate" title=${whole}
    >${value === null ? nothing : html`<small>${statistic}</small> ${statisticText(field, value)}`}</span
  >`;
}
