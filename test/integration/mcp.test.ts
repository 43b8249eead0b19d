/** `trainyard mcp` as a program, asked by the SDK's own client about trainings that really ran. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import * as z from "zod";
import { builtCli } from "../support/machine.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

let workspace: Workspace;
beforeAll(async () => {
  workspace = await openWorkspace();
});
afterAll(() => workspace.close());

const Answer = z.object({ content: z.array(z.object({ text: z.string() })) });
const Runs = z.object({ runs: z.array(z.object({ id: z.string(), name: z.string(), parent: z.string().optional() })) });

it("answers over stdio which run has the lowest eval loss, and what it changed", async () => {
  for (const lr of ["0.05", "0.2", "1.01"]) await workspace.json(["run", "--name", `lr ${lr}`, "--", "python", "fit.py", "--lr", lr]);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [builtCli(), "mcp", "--store", workspace.store],
    cwd: workspace.dir,
    stderr: "inherit",
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport);
  try {
    expect((await client.listTools()).tools).toHaveLength(8);
    const ask = async (name: string, args: Record<string, unknown>): Promise<unknown> => {
      const { content } = Answer.parse(await client.callTool({ name, arguments: args }));
      return JSON.parse(content[0]?.text.split("\n")[2] ?? "");
    };
    const { runs } = Runs.parse(await ask("list_runs", { sort: "metrics.eval/loss:min" }));
    expect(runs.map(({ name }) => name)).toEqual(["lr 0.2", "lr 0.05", "lr 1.01"]);
    const others = runs.slice(1).map(({ id }) => id);
    expect(await ask("compare_runs", { runs: [...others, runs[0]?.id] })).toMatchObject({
      differences: [{ field: "params.command" }, { field: "params.lr", values: [0.05, 1.01, 0.2] }],
    });
  } finally {
    await client.close();
  }
});
