/** What differs between runs. Pure. */
import type { Comparison } from "../../protocol/drafts.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { fromWireNumber, toWireNumber } from "../../protocol/wire-number.ts";
import type { RunRecord, RunSummary } from "../../protocol/run.ts";

export interface Compared {
  readonly summary: RunSummary;
  readonly environment: RunRecord["environment"];
}

/** @param runs the baseline first */
export function compare(runs: readonly Compared[]): Comparison {
  const facts = runs.map(factsOf);
  const fields = [...new Set(facts.flatMap((own) => [...own.keys()]))].sort();
  const rows = fields.map((field) => ({ field, values: facts.map((own) => own.get(field) ?? null) }));
  const differences = rows.filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
  const names = [...new Set(runs.flatMap(({ summary }) => Object.keys(summary.metrics)))].sort();
  return {
    runs: runs.map(({ summary: { id, name, state } }) => ({ id, name, state })),
    differences,
    same: rows.length - differences.length,
    metrics: names.map((name) => {
      const all = runs.map(({ summary }) => summary.metrics[name]);
      const [base] = all;
      return {
        name,
        last: all.map((metric) => metric?.last ?? null),
        min: all.map((metric) => metric?.min ?? null),
        max: all.map((metric) => metric?.max ?? null),
        difference: all.map((metric) =>
          metric === undefined || base === undefined ? null : toWireNumber(fromWireNumber(metric.last) - fromWireNumber(base.last)),
        ),
      };
    }),
  };
}

function factsOf({ summary, environment }: Compared): Map<string, JsonValue> {
  const facts = new Map<string, JsonValue>();
  const add = (prefix: string, value: JsonValue): void => {
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) add(`${prefix}.${key}`, inner);
    else if (value !== null) facts.set(prefix, value);
  };
  const { project, experiment, recipe, seed, git, params } = summary;
  add("record", { project, experiment, recipe, seed });
  add("git", git);
  add("params", params);
  add("environment", environment);
  return facts;
}
