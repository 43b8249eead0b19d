/** What differs between runs: every setting as a path and a text, side by side. Pure. */
import * as z from "zod";
import { flatten } from "../../protocol/configuration.ts";
import { counted } from "../../protocol/counted.ts";
import { DatasetState } from "../../protocol/dataset.ts";
import type { JsonValue } from "../../protocol/json.ts";
import type { RunDetail } from "../../protocol/queries.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { formatBytes, formatJson } from "../components/format.ts";

export interface DifferenceRow {
  readonly path: string;
  /** One text per column, null where the run has no such setting. */
  readonly values: readonly (string | null)[];
  readonly differs: boolean;
}

export interface DifferenceSection {
  readonly title: string;
  readonly rows: readonly DifferenceRow[];
  readonly differing: number;
}

/** Small and large numbers as people write them in a config: 1e-4, not 0.0001. */
export function settingText(value: JsonValue): string {
  if (typeof value !== "number" || value === 0 || !Number.isFinite(value)) return formatJson(value);
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e9 ? value.toExponential().replace("e+", "e") : String(value);
}

/**
 * @param columns the runs of each column: several where they are replicates of each other
 * @param details the same, with what their folders tell; null while those were not read
 */
export function differences(
  columns: readonly (readonly RunSummary[])[],
  details: readonly (readonly RunDetail[])[] | null,
): DifferenceSection[] {
  return [
    section("Parameters", columns, parameters),
    ...(details === null
      ? []
      : [section("Dataset", details, dataset), section("Environment", details, environment), section("Code", details, code)]),
  ].filter((each) => each.rows.length > 0);
}

/** Paths of the params that do not have the same value everywhere, in the order in which they appear. */
export function differingParams(columns: readonly (readonly RunSummary[])[]): DifferenceRow[] {
  return section("Parameters", columns, parameters).rows.filter((row) => row.differs);
}

type Reader<Run> = (run: Run) => Map<string, string>;

function section<Run>(title: string, columns: readonly (readonly Run[])[], read: Reader<Run>): DifferenceSection {
  const readings = columns.map((runs) => runs.map(read));
  const paths = new Set(readings.flatMap((runs) => runs.flatMap((values) => [...values.keys()])));
  const rows = [...paths].map((path): DifferenceRow => {
    const values = readings.map((runs) => together(runs.map((of) => of.get(path) ?? null)));
    return { path, values, differs: values.some((value) => value !== values[0]) };
  });
  return { title, rows, differing: rows.filter((row) => row.differs).length };
}

/** The value of replicates: the one that all have, or all of them. */
function together(values: readonly (string | null)[]): string | null {
  const distinct = [...new Set(values)];
  if (distinct.length === 1) return distinct[0] ?? null;
  return distinct.map((value) => value ?? "unset").join(", ");
}

function parameters(run: RunSummary): Map<string, string> {
  const rows = new Map<string, string>([["recipe", run.recipe]]);
  for (const [path, value] of flatten(run.params)) rows.set(path, settingText(value));
  if (run.seed !== null && !rows.has("seed")) rows.set("seed", String(run.seed));
  return rows;
}

/** The content by the first digits of its fingerprint: equal means the same sizes and samples, wherever the data lies. */
function dataset(run: RunDetail): Map<string, string> {
  const rows = new Map<string, string>();
  const states = z.array(DatasetState).safeParse(run.resolved?.["datasets"]).data ?? [];
  const seen = new Map<string, number>();
  for (const state of states) {
    const count = (seen.get(state.param) ?? 0) + 1;
    seen.set(state.param, count);
    const name = count === 1 ? state.param : `${state.param} ${String(count)}`;
    const least = state.complete ? "" : "more than ";
    rows.set(name, state.path);
    rows.set(`${name} bytes`, `${least}${String(state.bytes)}`);
    if (state.kind === "folder") rows.set(`${name} files`, `${least}${String(state.files)}`);
    if (state.modified !== null) rows.set(`${name} modified`, state.modified);
    if (state.fingerprint !== null) rows.set(`${name} content`, state.fingerprint.slice(0, 12));
  }
  return rows;
}

function environment(run: RunDetail): Map<string, string> {
  const rows = new Map<string, string>();
  const env = run.environment;
  if (env === null) return rows;
  rows.set("host", env.hostname);
  rows.set("platform", env.platform);
  rows.set("processors", String(env.cpu_count));
  rows.set("memory", formatBytes(env.memory_bytes));
  rows.set("GPUs", env.gpus.length === 0 ? "none" : env.gpus.join(", "));
  if (env.python_version !== null) rows.set("Python", env.python_version);
  if (env.python !== null) rows.set("interpreter", env.python);
  for (const [name, version] of Object.entries(env.packages)) rows.set(name, version);
  return rows;
}

function code(run: RunDetail): Map<string, string> {
  const rows = new Map<string, string>();
  const command = run.attempts.at(-1)?.command;
  if (command !== undefined) rows.set("command", command.join(" "));
  if (run.git === null) return rows;
  rows.set("git commit", run.git.commit.slice(0, 10));
  if (run.git.branch !== null) rows.set("git branch", run.git.branch);
  rows.set("uncommitted", run.git.dirty_files === 0 ? "none" : counted(run.git.dirty_files, "file"));
  if (run.git.remote !== null) rows.set("git remote", run.git.remote);
  return rows;
}
