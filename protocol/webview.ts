/** postMessage between the extension host and its webviews: the host relays requests and the stream (webviews cannot open sockets). */
import * as z from "zod";
import type { ApiError } from "./errors.ts";
import { ClientMessage } from "./messages.ts";
import { JsonObject, JsonValue } from "./json.ts";
import { RunId, Slug, SweepId } from "./ids.ts";
import { RecipeField } from "./recipe.ts";
import { SpecEdit } from "./run-document/edit.ts";

/** What a panel shows; kept by the serializer so that it comes back after a reload. */
export const PanelTarget = z.discriminatedUnion("view", [
  z.object({ view: z.literal("dashboard"), run: RunId }),
  /** `from` clones an earlier run; `script` starts from a Python file, `dataset` from a file of rows; `document` is the URI of a *.run.yaml that the form edits. */
  z.object({
    view: z.literal("builder"),
    recipe: z.string().nullable(),
    from: RunId.nullable(),
    script: z.string().nullable(),
    dataset: z.string().nullable().default(null),
    document: z.string().nullable().default(null),
    /** Begins with a sweep section. */
    sweep: z.boolean().optional(),
  }),
  /** Curves and settings of several runs side by side; the first is the baseline until another is chosen. */
  z.object({ view: z.literal("compare"), runs: z.array(RunId).min(1).max(1000) }),
  /** The table of runs, of one project or of the whole store, as it was left; or of those that pass a filter. */
  z.object({ view: z.literal("explore"), project: Slug.nullable(), filter: z.string().max(4000).default("") }),
  /** The plot builder over the runs that pass a filter; "" lets all pass. */
  z.object({ view: z.literal("plots"), project: Slug.nullable(), filter: z.string().max(4000) }),
  /** One sweep, or the list of all of them. */
  z.object({ view: z.literal("sweeps"), sweep: SweepId.nullable() }),
  /** The machine over the last hours. */
  z.object({ view: z.literal("system") }),
]);
export type PanelTarget = z.infer<typeof PanelTarget>;

/** What a field takes for a path: the `x-path` of a recipe. */
const PathRule = RecipeField.shape["x-path"].unwrap();
export type PathRule = z.infer<typeof PathRule>;

/** Commands that a webview may ask the host to run; everything else is refused. */
export const HostCommand = z.discriminatedUnion("command", [
  z.object({ command: z.literal("open_run"), run: RunId }),
  z.object({ command: z.literal("compare_runs"), runs: z.array(RunId).min(1).max(1000) }),
  /** The editor asks for format and place; a browser saves the report. */
  z.object({ command: z.literal("export_runs"), runs: z.array(RunId).min(1).max(1000) }),
  /** A file that the run produced, to wherever the user says. */
  z.object({ command: z.literal("save_artifact"), run: RunId, path: z.string().min(1).max(4096) }),
  z.object({ command: z.literal("open_explore"), project: Slug.nullable(), filter: z.string().max(4000) }),
  z.object({ command: z.literal("open_plot"), project: Slug.nullable(), filter: z.string().max(4000) }),
  /** null: the list of sweeps. */
  z.object({ command: z.literal("open_sweep"), sweep: SweepId.nullable() }),
  z.object({ command: z.literal("open_system") }),
  /** The builder with a sweep section, of an earlier run where one is named. */
  z.object({ command: z.literal("new_sweep"), from: RunId.nullable() }),
  z.object({ command: z.literal("open_log"), run: RunId, attempt: z.number().int().positive() }),
  z.object({ command: z.literal("fork_run"), run: RunId, checkpoint: z.string().nullable() }),
  z.object({ command: z.literal("resume_run"), run: RunId, checkpoint: z.string().nullable() }),
  /** A file of the code of two runs as it was, beside each other. Paths are relative to the top of the repository. */
  z.object({
    command: z.literal("diff_code"),
    baseline: RunId,
    baseline_path: z.string().min(1).max(4096),
    run: RunId,
    path: z.string().min(1).max(4096),
  }),
  z.object({ command: z.literal("cancel_run"), run: RunId }),
  z.object({ command: z.literal("reveal"), path: z.string() }),
  z.object({ command: z.literal("copy"), text: z.string() }),
  z.object({ command: z.literal("save_spec"), yaml: z.string(), suggested_name: z.string() }),
  /** Of the document that the form edits: to its file, and its text beside the form. */
  z.object({ command: z.literal("save_document") }),
  z.object({ command: z.literal("open_as_text") }),
  /** The answer comes as `paths` with the same request. */
  z.object({ command: z.literal("list_paths"), request: z.number().int(), field: PathRule }),
  /** The answer comes as `picked` with the same request. */
  z.object({ command: z.literal("pick_path"), request: z.number().int(), field: PathRule }),
]);
export type HostCommand = z.infer<typeof HostCommand>;

export const FromWebview = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({
    type: z.literal("request"),
    request: z.number().int(),
    route: z.string(),
    params: z.record(z.string(), z.string()),
    query: JsonObject,
    body: JsonValue.optional(),
  }),
  z.object({ type: z.literal("stream"), message: ClientMessage }),
  z.object({ type: z.literal("command"), command: HostCommand }),
  z.object({ type: z.literal("title"), title: z.string() }),
  /** Edits of the document, numbered in their order; each `document` that comes back says which are in its text. */
  z.object({ type: z.literal("edit_document"), sequence: z.number().int().positive(), edits: z.array(SpecEdit).min(1).max(1000) }),
]);
export type FromWebview = z.infer<typeof FromWebview>;

export const ConnectionState = z.enum(["connecting", "connected", "reconnecting", "failed"]);
export type ConnectionState = z.infer<typeof ConnectionState>;

/** `frame` and binary answers carry an ArrayBuffer beside the message, which zod cannot see; the types below say so. */
export type ToWebview =
  | { type: "init"; target: PanelTarget; workspace: string | null; python: string | null; trusted: boolean }
  | { type: "response"; request: number; ok: true; body: unknown }
  | { type: "response"; request: number; ok: true; bytes: ArrayBuffer }
  | { type: "response"; request: number; ok: false; error: ApiError }
  | { type: "message"; message: unknown }
  | { type: "frame"; bytes: ArrayBuffer }
  | { type: "connection"; state: ConnectionState; since: string; detail: string | null }
  /** The text of the document, with all edits up to `applied`. */
  | { type: "document"; text: string; applied: number; dirty: boolean }
  | { type: "paths"; request: number; paths: readonly string[] }
  | { type: "picked"; request: number; path: string | null };
