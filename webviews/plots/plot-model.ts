/** What a plot asks the server for. Aggregates and bins are the server's; runs come one by one where every run is a mark. */
import type { AggregateResult, FieldInfo, QueryResult } from "../../protocol/analysis.ts";
import { counted } from "../../protocol/counted.ts";
import type { RunId, Slug } from "../../protocol/ids.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { PlotSettings } from "../../protocol/saved.ts";
import type { Field } from "../explore/fields.ts";
import { scopeOf } from "../explore/scope.ts";
import { joinClauses, splitClauses } from "../explore/filter-text.ts";
import type { Transport } from "../transport/transport.ts";
import { inBin, markFilter } from "./mark-filter.ts";
import { axesOf } from "./parallel-scale.ts";
import {
  binRows,
  groupFields,
  groupRows,
  inOrder,
  isNominal,
  isPlaced,
  MISSING,
  type ParallelLine,
  type PlotRow,
  pointRow,
} from "./plot-data.ts";

/** Runs that are drawn one by one. */
export const MOST_POINTS = 10_000;
/** Runs that the server answers at once. */
const PAGE = 10_000;
const MOST_GROUPS = 10_000;
/** Each facet is a plot of its own: hundreds would keep the page for minutes. */
export const MOST_FACETS = 60;
/** Characters of a filter that a page is opened with. */
const MOST_FILTER = 4000;

export interface PlotResult {
  readonly rows: readonly PlotRow[];
  /** Runs that the filter lets through. */
  readonly runs: number;
  /** Something about the data that the reader has to know: what was left out. */
  readonly note: string | null;
  /** Of parallel coordinates: the values of each run, in the order of the axes. */
  readonly lines: readonly ParallelLine[];
}

/** The runs that a mark of several stands for. */
export interface MarkRuns {
  readonly runs: readonly { readonly id: RunId; readonly name: string }[];
  /** The filter that lets these runs through and no others; null where none can say it. */
  readonly filter: string | null;
}

export const NO_RUNS: MarkRuns = { runs: [], filter: null };

/** What is still to be chosen before there is a plot; null when it is whole. */
export function missingPart({ kind, x, y, axes }: PlotSettings): string | null {
  if (kind === "parallel") return axes.length < 2 ? "Choose two axes or more." : null;
  if (kind === "histogram") return x === null ? "Choose what to count." : null;
  if (y === null) return "Choose what stands on the y axis.";
  return x === null && kind !== "box" ? "Choose what stands on the x axis." : null;
}

export class PlotModel {
  readonly transport: Transport;
  readonly project: Slug | null;
  fields: ReadonlyMap<Field, FieldInfo> = new Map();

  constructor(transport: Transport, project: Slug | null) {
    this.transport = transport;
    this.project = project;
  }

  /** @throws TrainyardError */
  async loadFields(): Promise<void> {
    const { fields } = await this.transport.request("listFields", { query: this.#project });
    this.fields = new Map(fields.map((info) => [info.name, info]));
  }

  /** @throws TrainyardError */
  async load(settings: PlotSettings): Promise<PlotResult> {
    if (settings.kind === "parallel") return this.#parallel(settings);
    const { note, ...result } = await this.#marks(settings);
    const facets = settings.facet === null ? [] : inOrder(result.rows.map(({ facet = MISSING }) => facet));
    const shown = new Set(facets.slice(0, MOST_FACETS));
    const rows = facets.length > shown.size ? result.rows.filter(({ facet = MISSING }) => shown.has(facet)) : result.rows;
    const plain = this.#withoutColor(rows, settings.color);
    return {
      ...result,
      rows,
      note: joined([
        note,
        facets.length > shown.size && `The first ${String(shown.size)} of ${String(facets.length)} facets are drawn.`,
        plain > 0 && `${counted(plain, "mark has", "marks have")} no number to be coloured by: grey.`,
      ]),
    };
  }

  #marks(settings: PlotSettings): Promise<PlotResult> {
    const { kind } = settings;
    if (kind === "histogram") return this.#histogram(settings);
    if (kind === "box" || kind === "bar" || settings.aggregate !== "none") return this.#groups(settings);
    return this.#points(settings);
  }

  /** @param drawn the marks that it is one of @throws TrainyardError */
  async runsOf(settings: PlotSettings, mark: PlotRow, drawn: readonly PlotRow[]): Promise<MarkRuns> {
    const lastEdge = drawn.reduce((last, { end = -Infinity }) => Math.max(last, end), -Infinity);
    const bins = settings.kind === "histogram";
    // A histogram has no y axis, whatever was chosen for another kind.
    const counted = bins ? { ...settings, y: null } : settings;
    const { clauses, whole } = markFilter(counted, mark, lastEdge, this.fields);
    const filter = joinClauses([...(settings.filter === "" ? [] : splitClauses(settings.filter)), ...clauses]).text;
    const fields = pointFields(counted);
    const { rows } = await this.#query({ ...counted, filter }, fields, Infinity);
    const wanted = JSON.stringify([bins || mark.x, mark.color, mark.facet]);
    const runs = rows
      .map((row) => pointRow(row, fields, counted))
      .filter((row) => row !== null && JSON.stringify([bins ? inBin(mark, row.x, lastEdge) : row.x, row.color, row.facet]) === wanted)
      .flatMap((row) => (row?.id === undefined ? [] : [{ id: row.id, name: row.name ?? row.id }]));
    return { runs, filter: whole && filter.length <= MOST_FILTER ? filter : null };
  }

  /** Marks without a number, where the colours are a scale of numbers. */
  #withoutColor(rows: readonly PlotRow[], color: Field | null): number {
    if (color === null || isNominal(color, this.fields)) return 0;
    return rows.reduce((sum, row) => sum + Number(typeof row.color !== "number"), 0);
  }

  /** @param most runs */
  async #points(settings: PlotSettings, most = MOST_POINTS): Promise<PlotResult> {
    const fields = pointFields(settings);
    const { rows, total } = await this.#query(settings, fields, most);
    const points = rows
      .map((row) => pointRow(row, fields, settings))
      .filter((row) => row !== null)
      .filter((row) => isPlaced(row, settings, this.fields));
    return { rows: points, runs: total, note: leftOut(total, rows.length, rows.length - points.length), lines: [] };
  }

  async #groups(settings: PlotSettings): Promise<PlotResult> {
    const body = {
      ...this.#scope(settings),
      group_by: groupFields(settings),
      values: settings.y === null ? [] : [settings.y],
      limit: MOST_GROUPS,
    };
    const { groups, total }: AggregateResult = await this.transport.request("aggregate", { body });
    const runs = groups.reduce((sum, group) => sum + group.runs, 0);
    // A group without a value on the x axis has no place on it.
    const rows = groupRows(groups, settings).filter((row) => row.x !== MISSING && isPlaced(row, settings, this.fields));
    const counted = rows.reduce((sum, row) => sum + (row.runs ?? 0), 0);
    const single = settings.spread === "none" ? 0 : rows.filter((row) => row.runs === 1).length;
    const note = joined([
      total > groups.length && `${String(groups.length)} of ${String(total)} groups are drawn.`,
      without(runs - counted),
      single === 1 && "1 mark stands for one run, without a spread.",
      single > 1 && `${String(single)} marks stand for one run each, without a spread.`,
    ]);
    return { rows, runs, note, lines: [] };
  }

  async #histogram(settings: PlotSettings): Promise<PlotResult> {
    const { x, bins } = settings;
    const body = { ...this.#scope(settings), field: x ?? "", bins };
    const { edges, counts, count, missing, non_finite } = await this.transport.request("histogram", { body });
    const lost = missing + non_finite;
    const note = without(lost);
    if (settings.color === null && settings.facet === null) {
      const rows = counts.map((runs, bin) => ({ start: edges[bin] ?? 0, end: edges[bin + 1] ?? 0, runs }));
      return { rows, runs: count + lost, note, lines: [] };
    }
    const points = await this.#points({ ...settings, y: null }, Infinity);
    return { rows: binRows(points.rows, edges), runs: count + lost, note: points.note ?? note, lines: [] };
  }

  async #parallel(settings: PlotSettings): Promise<PlotResult> {
    const fields = [...new Set(["record.name", ...settings.axes, ...(settings.color === null ? [] : [settings.color])])];
    const { rows, total } = await this.#query(settings, fields, MOST_POINTS);
    const at = (values: readonly JsonValue[], field: Field | null): JsonValue =>
      field === null ? null : (values[fields.indexOf(field)] ?? null);
    const lines = rows.map(({ id, values }) => ({
      id,
      name: typeof values[0] === "string" ? values[0] : id,
      color: at(values, settings.color),
      values: settings.axes.map((field) => at(values, field)),
    }));
    const axes = axesOf(settings.axes, lines);
    const broken = lines.filter(({ values }) => axes.some(({ place }, axis) => place(values[axis] ?? null) === null)).length;
    const note = joined([
      leftOut(total, rows.length, 0),
      broken > 0 && `${counted(broken, "run lacks a value", "runs lack values")} on some axis: gaps in the lines.`,
    ]);
    return { rows: [], runs: total, note, lines };
  }

  /** The newest runs first, a page at a time. @param fields each once */
  async #query(settings: PlotSettings, fields: readonly Field[], most: number): Promise<{ rows: QueryResult["rows"]; total: number }> {
    const body = { ...this.#scope(settings), fields: [...fields], sort: ["-record.created_at"] };
    const rows: QueryResult["rows"] = [];
    for (;;) {
      const limit = Math.min(PAGE, most - rows.length);
      const page = await this.transport.request("queryRuns", { body: { ...body, limit, offset: rows.length } });
      rows.push(...page.rows);
      if (page.rows.length < limit || rows.length >= Math.min(most, page.total)) return { rows, total: page.total };
    }
  }

  #scope({ filter }: PlotSettings): { project?: Slug; filter: string } {
    const clauses = filter === "" ? [] : splitClauses(filter);
    return { ...this.#project, filter: scopeOf({ clauses, states: [], archived: false }, "", false).filter };
  }

  get #project(): { project?: Slug } {
    return this.project === null ? {} : { project: this.project };
  }
}

/** What is asked of runs that are marks: the name first. */
function pointFields(settings: PlotSettings): Field[] {
  return [...new Set(["record.name", ...groupFields(settings), ...(settings.y === null ? [] : [settings.y])])];
}

function leftOut(total: number, drawn: number, lost: number): string | null {
  return joined([total > drawn && `The newest ${String(drawn)} of ${String(total)} runs are drawn.`, without(lost)]);
}

/** Runs that no mark shows: they have no value, one that is not finite, or one that a logarithmic axis has no place for. */
function without(runs: number): string | null {
  return runs === 0 ? null : `${counted(runs, "run has", "runs have")} no value to draw.`;
}

/** What there is to say; null for nothing. */
function joined(notes: readonly (string | false | null)[]): string | null {
  const said = notes.filter((note) => note !== false && note !== null);
  return said.length === 0 ? null : said.join(" ");
}
