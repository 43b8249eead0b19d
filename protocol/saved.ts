/** What people keep of their looks at the runs: views of the table and plots. They lie beside the runs, so that everybody who opens the project has them. */
import * as z from "zod";
import { Slug } from "./ids.ts";
import { Instant } from "./json.ts";
import { RunState } from "./states.ts";

const Expression = z.string().max(4000);
/** As in queries: `record.state`, `params.lora.r`, `metrics.eval/loss:min`, `derived.gap`. */
const Field = z.string().min(3).max(1000);

/** How a group of runs becomes one number. */
export const GroupStatistic = z.enum(["mean", "median", "min", "max"]);
export type GroupStatistic = z.infer<typeof GroupStatistic>;

export const TableColumn = z.object({
  field: Field,
  /** CSS pixels; null: as wide as such values are usually. */
  width: z.number().min(40).max(2000).nullable().default(null),
  /** Stays in sight while the others scroll sideways. */
  pinned: z.boolean().default(false),
});
export type TableColumn = z.infer<typeof TableColumn>;

/** The table of runs as somebody set it up. */
export const ViewSettings = z.object({
  /** Conditions that all hold, each an expression of the query language. */
  clauses: z.array(Expression).max(50).default([]),
  /** Empty: runs of all states. */
  states: z.array(RunState).max(20).default([]),
  archived: z.boolean().default(false),
  /** The first key decides; a leading "-" sorts downwards. */
  sort: z
    .array(z.string().min(3).max(1000))
    .max(5)
    .default(() => ["-record.created_at"]),
  group: z.array(Field).max(3).default([]),
  statistic: GroupStatistic.default("mean"),
  /** In their order; null: those that suit the runs. */
  columns: z.array(TableColumn).max(200).nullable().default(null),
});
export type ViewSettings = z.infer<typeof ViewSettings>;

export const PlotKind = z.enum(["scatter", "line", "bar", "histogram", "box", "parallel"]);
export type PlotKind = z.infer<typeof PlotKind>;

/** How far runs lie around the aggregate: sample standard deviation, standard error, 95 % interval of the mean, first to third quartile. */
export const Spread = z.enum(["none", "std", "sem", "ci95", "quartiles"]);
export type Spread = z.infer<typeof Spread>;

export const PlotSettings = z.object({
  kind: PlotKind.default("scatter"),
  x: Field.nullable().default(null),
  y: Field.nullable().default(null),
  color: Field.nullable().default(null),
  facet: Field.nullable().default(null),
  log_x: z.boolean().default(false),
  log_y: z.boolean().default(false),
  /** `none` draws every run; else runs with equal x, colour and facet are one mark. */
  aggregate: z.enum(["none", ...GroupStatistic.options]).default("none"),
  spread: Spread.default("none"),
  spread_mark: z.enum(["bars", "band"]).default("bars"),
  bins: z.number().int().min(1).max(200).default(20),
  /** Of parallel coordinates, from left to right. */
  axes: z.array(Field).max(20).default([]),
  filter: Expression.default(""),
});
export type PlotSettings = z.infer<typeof PlotSettings>;

const kept = {
  /** Unique among the views, or the plots, of its project. */
  name: z.string().trim().min(1).max(100),
  /** null: of the whole store. */
  project: Slug.nullable(),
};

/** Saved under a name that is in use, it takes the place of what was there. */
export const SaveItem = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("view"), ...kept, settings: ViewSettings }).strict(),
  z.object({ kind: z.literal("plot"), ...kept, settings: PlotSettings }).strict(),
]);
export type SaveItem = z.infer<typeof SaveItem>;

export const SavedItem = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("view"), ...kept, settings: ViewSettings, updated_at: Instant }),
  z.object({ kind: z.literal("plot"), ...kept, settings: PlotSettings, updated_at: Instant }),
]);
export type SavedItem = z.infer<typeof SavedItem>;
export type SavedView = Extract<SavedItem, { kind: "view" }>;
export type SavedPlot = Extract<SavedItem, { kind: "plot" }>;

/** <store>/<project>/saved.json, and <store>/saved.json for the whole store. */
export const SavedFile = z.object({ version: z.literal(1), saved: z.array(SavedItem) });
export type SavedFile = z.infer<typeof SavedFile>;

/** Without a project: those of the whole store. */
export const SavedQuery = z.object({ project: Slug.optional() });
export const SavedItemQuery = SavedQuery.extend({ kind: z.enum(["view", "plot"]), name: z.string().min(1).max(100) });
export type SavedItemQuery = z.infer<typeof SavedItemQuery>;
