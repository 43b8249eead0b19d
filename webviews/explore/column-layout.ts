/** Which columns are on the screen, and the grid template that puts them there. Pure. */
import type { FieldInfo } from "../../protocol/analysis.ts";
import type { TableColumn } from "../../protocol/saved.ts";
import { defaultWidth, type Field } from "./fields.ts";

export const TICK_PX = 32;
export const MARK_PX = 26;
const NAME_PX = { least: 200, most: 460, narrow: 150 } as const;
/** Below this width nothing but the name stays in sight, or it would cover all the rest. */
export const NARROW_PX = 560;

export interface PlacedColumn {
  readonly field: Field;
  readonly width: number;
  readonly pinned: boolean;
  /** 0-based, among the columns as they are shown. */
  readonly index: number;
  /** From the left edge of the table. */
  readonly left: number;
}

export interface ColumnLayout {
  readonly name: number;
  readonly pinned: readonly PlacedColumn[];
  /** Those that exist in the page, from left to right. */
  readonly visible: readonly PlacedColumn[];
  /** All of them. */
  readonly all: readonly PlacedColumn[];
  /** Empty room for the columns left of the visible ones. */
  readonly spacer: number;
  readonly width: number;
  /** CSS: tick, mark, name, pinned columns, spacer, visible columns. */
  readonly template: string;
}

/** @param view the table's part of the page that is seen, in pixels */
export function layoutColumns(
  columns: readonly TableColumn[],
  known: ReadonlyMap<Field, FieldInfo>,
  view: { readonly left: number; readonly width: number },
): ColumnLayout {
  const narrow = view.width < NARROW_PX;
  const sized = columns.map((column) => ({ ...column, width: column.width ?? defaultWidth(column.field, known.get(column.field)) }));
  const ordered = narrow
    ? sized.map((column) => ({ ...column, pinned: false }))
    : sized.toSorted((a, b) => Number(b.pinned) - Number(a.pinned));
  const sum = ordered.reduce((total, { width }) => total + width, 0);
  const fixed = TICK_PX + MARK_PX;
  const name = narrow ? NAME_PX.narrow : Math.max(NAME_PX.least, Math.min(NAME_PX.most, view.width - fixed - sum));
  let left = fixed + name;
  const all = ordered.map(({ field, width, pinned }, index) => {
    const placed = { field, width, pinned, index, left };
    left += width;
    return placed;
  });
  const pinned = all.filter((column) => column.pinned);
  const free = all.filter((column) => !column.pinned);
  const covered = fixed + name + pinned.reduce((total, { width }) => total + width, 0);
  const [from, to] = [view.left + covered, view.left + view.width];
  const visible = free.filter((column) => column.left + column.width > from && column.left < to);
  const spacer = (visible[0]?.left ?? covered) - covered;
  const px = ({ width }: { readonly width: number }): string => `${String(width)}px`;
  const template = [
    `${String(TICK_PX)}px ${String(MARK_PX)}px ${String(name)}px`,
    ...pinned.map(px),
    `${String(spacer)}px`,
    ...visible.map(px),
  ];
  return { name, pinned, visible, all, spacer, width: left, template: template.join(" ") };
}

/** The columns with the one of this field moved by so many places; pinned ones stay among pinned ones. */
export function moveColumn(columns: readonly TableColumn[], field: Field, by: number): TableColumn[] {
  const ordered = columns.toSorted((a, b) => Number(b.pinned) - Number(a.pinned));
  const from = ordered.findIndex((column) => column.field === field);
  const moved = ordered[from];
  if (moved === undefined) return [...columns];
  const peers = ordered.filter(({ pinned }) => pinned === moved.pinned);
  const first = ordered.findIndex(({ pinned }) => pinned === moved.pinned);
  const to = Math.max(first, Math.min(first + peers.length - 1, from + by));
  return ordered.toSpliced(from, 1).toSpliced(to, 0, moved);
}

export function changeColumn(columns: readonly TableColumn[], field: Field, change: Partial<TableColumn>): TableColumn[] {
  return columns.map((column) => (column.field === field ? { ...column, ...change } : column));
}
