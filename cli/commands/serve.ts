import { InvalidArgumentError, type Command } from "commander";
import { ensureServer } from "../../server/ensure.ts";
import { outliveRejections, startServer } from "../../server/main.ts";
import type { Discovery } from "../../protocol/discovery.ts";
import { locateStore } from "../locate-store.ts";
import { withCommonOptions, type CommandContext, type CommonOptions } from "./shared.ts";

interface ServeOptions extends CommonOptions {
  readonly ensure: boolean;
  readonly port?: number;
  readonly python?: string;
  readonly baseDir?: string;
  readonly idleExit?: number;
}

export function addServeCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command("serve").description("serve the store: the dashboard in a browser, and what the editor connects to"))
    .option("--ensure", "start a server in the background when none is alive, print its address and return", false)
    .option("--port <number>", "port on the loopback address (default: any free one)", parseWhole)
    .option("--python <path>", "interpreter for runs that name none")
    .option("--base-dir <dir>", "folder that relative paths of runs refer to (default: the folder that holds the store)")
    .option("--idle-exit <seconds>", "leave after so long without clients and live runs", parseWhole)
    .action(async (options: ServeOptions) => {
      const store = locateStore(options.store).dir;
      const { port, python, baseDir, idleExit } = options;
      const chosen = {
        store,
        ...(python === undefined ? {} : { python }),
        ...(baseDir === undefined ? {} : { baseDir }),
        ...(idleExit === undefined ? {} : { idleExitSeconds: idleExit }),
      };
      if (options.ensure) {
        const discovery = await ensureServer(chosen);
        context.terminal.result(options.json, discovery, () => dashboardUrl(discovery));
        return;
      }
      const log = (text: string): void => {
        context.terminal.note(text);
      };
      outliveRejections(log);
      const server = await startServer({ ...chosen, ...(port === undefined ? {} : { port }), log });
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void server.close());
      context.terminal.result(options.json, server.discovery, () => dashboardUrl(server.discovery));
      if (!options.json) context.terminal.note(`Serving ${server.discovery.store}. Ctrl+C ends the server; runs go on.`);
      await server.closed;
    });
}

function dashboardUrl(discovery: Discovery): string {
  return `${discovery.url}/#token=${discovery.token}`;
}

function parseWhole(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("a whole number is needed");
  return Number(text);
}
