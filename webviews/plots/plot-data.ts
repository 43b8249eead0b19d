/** From the server's answers to what is drawn: points, groups with their spread, bins. Pure. */
import type { AggregateResult, FieldInfo, Statistics } from "../../protocol/analysis.ts";
import { csvTable } from "../../protocol/csv.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { PlotSettings } from "../../protocol/saved.ts";
import { SLOT_COUNT } from "../charts/palette.ts";
import type { Field } from "../explore/fields.ts";

/** What is known of the fields of the runs. */
export type Known = ReadonlyMap<Field, FieldInfo>;

/** Do the values of the field lie on a scale of numbers? */
export function isNumber(field: Field, known: Known): boolean {
  const info = known.get(field);
  return info === undefined ? /^(metrics|derived)\./.test(field) : info.type === "numeric";
}

/** Few values are told apart by colours, many numbers lie on a scale. */
export function isNominal(field: Field, known: Known): boolean {
  const info = known.get(field);
  return info?.type !== "numeric" || (info.unique !== null && info.unique <= SLOT_COUNT);
}

/** One mark. Texts stand for themselves, lists as JSON; null and what has no place on a numeric axis are left out before (`isPlaced`). */
export interface PlotRow {
  readonly x?: number | string;
  readonly y?: number | string;
  readonly color?: number | string;
  readonly facet?: number | string;
  /** A run's mark. */
  readonly id?: RunId;
  readonly name?: string;
  /** A group's mark: how many runs it stands for, where its spread ends, the quartiles. */
  readonly runs?: number;
  readonly low?: number;
  readonly high?: number;
  readonly q1?: number;
  readonly median?: number;
  readonly q3?: number;
  /** A bin's edges. */
  readonly start?: number;
  readonly end?: number;
}

/** Each row with its place among them, by which a mark finds its row again: Vega-Lite writes over values, those of times with numbers. */
export function placed(rows: readonly PlotRow[]): (PlotRow & { readonly place: number })[] {
  return rows.map((row, place) => ({ ...row, place }));
}

/** A run of parallel coordinates, with its values in the order of the axes. */
export interface ParallelLine {
  readonly id: RunId;
  readonly name: string;
  readonly color: JsonValue;
  readonly values: readonly JsonValue[];
}

/** The fields that groups have in common, in the order of the question. */
export function groupFields({ x, color, facet }: PlotSettings): Field[] {
  return [...new Set([x, color, facet].filter((field) => field !== null))];
}

/** What stands for a value that a run does not have. */
export const MISSING = "–";
/** Of marks that have no number to be coloured by: between the grounds of dark and light themes. */
export const NO_COLOR = "#808080";

export function category(value: JsonValue | undefined): number | string {
  if (value === undefined || value === null) return MISSING;
  return typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value);
}

/** The different ones: numbers before texts, each ascending. */
export function inOrder(values: Iterable<number | string>): (number | string)[] {
  return [...new Set(values)].sort((a, b) => (typeof a === typeof b ? (a < b ? -1 : 1) : typeof a === "number" ? -1 : 1));
}

/** The number in the middle of a group's mark. */
export function centerOf(found: Statistics, { kind, aggregate }: PlotSettings): number | null {
  if (kind === "box") return found.median;
  return found[aggregate === "none" ? "mean" : aggregate];
}

/** Where the spread around the centre ends; null where the group has too few runs for it. */
export function spreadOf(found: Statistics, settings: PlotSettings): readonly [number, number] | null {
  const center = centerOf(found, settings);
  if (center === null) return null;
  const around = (size: number | null): readonly [number, number] | null => (size === null ? null : [center - size, center + size]);
  switch (settings.spread) {
    case "none":
      return null;
    case "std":
      return around(found.std);
    case "sem":
      return around(found.sem);
    case "ci95":
      return found.ci95;
    case "quartiles":
      return found.q1 === null || found.q3 === null ? null : [found.q1, found.q3];
  }
}

export function groupRows(groups: AggregateResult["groups"], settings: PlotSettings): PlotRow[] {
  const fields = groupFields(settings);
  return groups.flatMap((group) => {
    const found = settings.y === null ? undefined : group.values[settings.y];
    const y = found === undefined ? null : centerOf(found, settings);
    if (found === undefined || y === null) return [];
    const value = (field: Field | null): JsonValue | undefined => (field === null ? undefined : group.key[fields.indexOf(field)]);
    const spread = spreadOf(found, settings);
    const box = settings.kind === "box" && found.q1 !== null && found.q3 !== null && found.min !== null && found.max !== null;
    return [
      {
        ...dimensions(settings, value),
        y,
        runs: found.count,
        ...(spread !== null && { low: spread[0], high: spread[1] }),
        ...(box && { low: found.min ?? y, high: found.max ?? y, q1: found.q1 ?? y, median: y, q3: found.q3 ?? y }),
      },
    ];
  });
}

/** @param values of the run, in the order of `fields`, which begin with the name */
export function pointRow(
  { id, values }: { readonly id: RunId; readonly values: readonly JsonValue[] },
  fields: readonly Field[],
  settings: PlotSettings,
): PlotRow | null {
  const value = (field: Field | null): JsonValue | undefined => (field === null ? undefined : values[fields.indexOf(field)]);
  const y = value(settings.y);
  if (settings.y !== null && (y === null || y === undefined)) return null;
  if (settings.x !== null && value(settings.x) === null) return null;
  const name = value("record.name");
  return { ...dimensions(settings, value), ...(y !== undefined && { y: category(y) }), id, name: typeof name === "string" ? name : id };
}

/** Do the values of x stand one beside the other, each for itself? */
export function isDiscrete({ kind }: PlotSettings): boolean {
  return kind === "bar" || kind === "box";
}

/** Has the mark a place on both axes? NaN and infinities have none among numbers, zero and less have none on a logarithmic axis. */
export function isPlaced({ x, y }: PlotRow, settings: PlotSettings, known: Known): boolean {
  const fits = (field: Field | null, value: PlotRow["x"], log: boolean): boolean =>
    field === null || !isNumber(field, known) || (typeof value === "number" && (!log || value > 0));
  if (settings.kind === "histogram") return fits(settings.x, x, false);
  return (isDiscrete(settings) || fits(settings.x, x, settings.log_x)) && fits(settings.y, y, settings.log_y);
}

function dimensions(settings: PlotSettings, value: (field: Field | null) => JsonValue | undefined): PlotRow {
  const { x, color, facet } = settings;
  return {
    ...(x !== null && { x: category(value(x)) }),
    ...(color !== null && { color: category(value(color)) }),
    ...(facet !== null && { facet: category(value(facet)) }),
  };
}

/** Counts per bin of each colour and facet. Each bin holds its lower edge, the last one its upper edge as well. */
export function binRows(points: readonly PlotRow[], edges: readonly number[]): PlotRow[] {
  const bins = new Map<string, { readonly row: PlotRow; runs: number }>();
  for (const { x, color, facet } of points) {
    const first = edges[0];
    const last = edges.at(-1);
    if (typeof x !== "number" || first === undefined || last === undefined || x < first || x > last) continue;
    const bin = Math.min(
      edges.findLastIndex((edge) => edge <= x),
      edges.length - 2,
    );
    const key = JSON.stringify([bin, color, facet]);
    const row = {
      start: edges[bin] ?? x,
      end: edges[bin + 1] ?? x,
      ...(color !== undefined && { color }),
      ...(facet !== undefined && { facet }),
    };
    const known = bins.get(key) ?? { row, runs: 0 };
    known.runs++;
    bins.set(key, known);
  }
  return [...bins.values()].map(({ row, runs }) => ({ ...row, runs }));
}

/** What was drawn as CSV (RFC 4180), with the names of the fields for the axes. */
export function plotCsv(rows: readonly PlotRow[], settings: PlotSettings): string {
  const names: Readonly<Record<string, string>> = {
    x: settings.x ?? "x",
    y: settings.y ?? "y",
    color: settings.color ?? "color",
    facet: settings.facet ?? "facet",
  };
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row) as (keyof PlotRow)[]))];
  return csvTable([keys.map((key) => names[key] ?? key), ...rows.map((row) => keys.map((key) => String(row[key] ?? "")))]);
}
