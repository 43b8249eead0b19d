import path from "node:path";
import type { Command } from "commander";
import { findPackageRoot, packageVersion } from "../../server/package-root.ts";
import { connectServer } from "../connect.ts";
import { locateStore } from "../locate-store.ts";
import type { CommandContext } from "./shared.ts";

interface McpCommandOptions {
  readonly store?: string;
  readonly baseDir?: string;
  readonly python?: string;
}

export function addMcpCommand(program: Command, context: CommandContext): void {
  program
    .command("mcp")
    .description("serve the store to agents: the Model Context Protocol on stdin and stdout")
    .option("--store <dir>", "the store (default: $TRAINYARD_STORE, the nearest .trainyard upwards from here, or one here)")
    .option("--base-dir <dir>", "folder that relative paths of new runs refer to (default: the folder that holds the store)")
    .option("--python <path>", "interpreter for new runs that name none")
    .action(async (options: McpCommandOptions) => {
      const { dir } = locateStore(options.store);
      const baseDir = options.baseDir === undefined ? null : path.resolve(options.baseDir);
      const { serveMcp } = await import("../mcp/server.ts");
      await serveMcp({
        version: packageVersion(findPackageRoot()),
        context: async (tool) => {
          // An agent that only looks must not leave a store behind.
          const api = await connectServer(dir, { create: tool === "start_run" });
          return { api, baseDir, python: options.python ?? null };
        },
        log: (text) => {
          context.terminal.note(text);
        },
      });
    });
}
