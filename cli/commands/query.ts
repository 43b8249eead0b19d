import type { Command } from "commander";
import type { FieldInfo } from "../../protocol/analysis.ts";
import type { JsonValue } from "../../protocol/json.ts";
import { connectServer } from "../connect.ts";
import { formatNumber, formatTable, formatValue } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { collect, countBetween, scopeOf, withScope, type CommandContext, type ScopeOptions } from "./shared.ts";

interface QueryOptions extends ScopeOptions {
  readonly field: string[];
  readonly sort: string[];
  readonly limit: number;
  readonly groupBy: string[];
}

const DEFAULT_FIELDS = ["record.id", "record.name", "record.state"];

export function addQueryCommands(program: Command, context: CommandContext): void {
  const { terminal } = context;
  withScope(program.command("fields").description("the fields that runs have, with their types, ranges and values"))
    .argument("[field]", "show the values of this field alone")
    .action(async (field: string | undefined, options: ScopeOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const scope = scopeOf(options);
      if (field === undefined) {
        const index = await client.call("listFields", { query: scope });
        terminal.result(options.json, index, () => formatTable(["FIELD", "TYPE", "RUNS", "VALUES"], index.fields.map(fieldRow)));
        return;
      }
      const found = await client.call("listFieldValues", { query: { ...scope, field } });
      terminal.result(options.json, found, () => {
        const rows = found.values.map(({ value, count }) => [String(count), formatValue(value)]);
        const more = found.total > rows.length ? `\n(${rows.length} of ${found.total})` : "";
        return formatTable(["RUNS", "VALUE"], rows) + more;
      });
    });
  withScope(program.command("query").description("a table of fields over runs, or statistics over groups of them"))
    .argument("[filter]", `for example: 'metrics.eval/loss:min < 0.4 and params.optim = "adamw"'`)
    .option("-f, --field <field>", "a column; may be repeated", collect, [])
    .option("--sort <field>", "a leading - sorts downwards (write --sort=-metrics.loss); may be repeated", collect, [])
    .option("--limit <count>", "at most so many rows", countBetween(1, 10_000), 50)
    .option("--group-by <field>", "statistics of the fields over runs with the same value of this; may be repeated", collect, [])
    .action(async (filter: string | undefined, options: QueryOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const scope = { ...scopeOf(options), ...(filter === undefined ? {} : { filter }) };
      const { field, sort, limit, groupBy } = options;
      if (groupBy.length > 0) {
        const result = await client.call("aggregate", { body: { ...scope, group_by: groupBy, values: field, limit } });
        terminal.result(options.json, result, () =>
          formatTable(
            [...groupBy, "runs", ...field.flatMap((name) => [name, "± std", "min", "max"])],
            result.groups.map((group) => [
              ...group.key.map(cell),
              String(group.runs),
              ...field.flatMap((name) => {
                const stats = group.values[name];
                return [stats?.mean, stats?.std, stats?.min, stats?.max].map((value) => cell(value ?? null));
              }),
            ]),
          ),
        );
        return;
      }
      const fields = field.length === 0 ? DEFAULT_FIELDS : ["record.id", ...field];
      const result = await client.call("queryRuns", { body: { ...scope, fields, limit, ...(sort.length === 0 ? {} : { sort }) } });
      terminal.result(options.json, result, () => {
        const table = formatTable(
          fields,
          result.rows.map((row) => row.values.map(cell)),
        );
        return result.total > result.rows.length ? `${table}\n(${result.rows.length} of ${result.total}; --limit shows more)` : table;
      });
    });
}

function fieldRow(field: FieldInfo): string[] {
  const range = field.min === null || field.max === null ? "" : `${formatNumber(field.min)} … ${formatNumber(field.max)}`;
  const values =
    field.type === "numeric"
      ? range
      : field.values
          .slice(0, 5)
          .map(({ value }) => formatValue(value))
          .join(", ");
  const more = field.type !== "numeric" && (field.unique === null || field.unique > 5) ? ", …" : "";
  return [field.name, field.type, String(field.count), values + more];
}

function cell(value: JsonValue): string {
  if (value === null) return "";
  return typeof value === "number" ? formatNumber(value) : formatValue(value);
}
