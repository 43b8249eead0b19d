import type { Command } from "commander";
import { counted } from "../../protocol/counted.ts";
import type { WireNumber } from "../../protocol/json.ts";
import { connectServer } from "../connect.ts";
import { formatNumber, formatTable, formatValue } from "../format.ts";
import { locateStore } from "../locate-store.ts";
import { findRun, serverReader } from "../reader.ts";
import { RUN_ARGUMENT } from "../../protocol/select-run.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

export function addCompareCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("compare").description("what differs between runs; metrics with their difference to the first"))
    .argument("<runs...>", `two or more: ${RUN_ARGUMENT}`)
    .action(async (names: string[], options: CommonOptions) => {
      const client = await connectServer(locateStore(options.store).dir);
      const reader = serverReader(client);
      const ids = [];
      for (const name of names) ids.push(await findRun(reader, name));
      const found = await client.call("compareRuns", { query: { runs: ids.join(",") } });
      context.terminal.result(options.json, found, () => {
        const head = ["", ...found.runs.map((run) => run.name)];
        const differences = found.differences.map(({ field, values }) => [
          field,
          ...values.map((value) => (value === null ? "" : formatValue(value))),
        ]);
        const metrics = found.metrics.map(({ name, last, difference }) => [
          name,
          ...last.map((value, index) => (index === 0 ? shown(value) : `${shown(value)}${signed(difference[index] ?? null)}`)),
        ]);
        const same = `(${counted(found.same, "field is", "fields are")} the same)`;
        return [formatTable(head, [...differences, ...metrics]), same].join("\n");
      });
    });
}

function shown(value: WireNumber | null): string {
  return value === null ? "" : formatNumber(value);
}

function signed(difference: WireNumber | null): string {
  if (difference === null) return "";
  const text = formatNumber(difference);
  return ` (${text.startsWith("-") ? "" : "+"}${text})`;
}
