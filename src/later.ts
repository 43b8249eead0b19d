/**
 * What no activation needs: each module is loaded with its first use. The bundler puts what they lead to into a bundle of its own
 * (esbuild.mjs), for V8 reads through all of a file before it runs the first line. Everything else in src/ imports this module, and these
 * through it, with `import()` alone.
 */
export const startCommands = () => import("./commands/start-commands.ts");
export const queueCommands = () => import("./commands/queue-commands.ts");
export const templateCommands = () => import("./commands/template-commands.ts");
export const lifeCommands = () => import("./commands/life-commands.ts");
export const lookCommands = () => import("./commands/look-commands.ts");
export const trashCommands = () => import("./commands/trash-commands.ts");
export const importCommands = () => import("./commands/import-commands.ts");
export const exportCommands = () => import("./commands/export-commands.ts");
export const setupCommands = () => import("./commands/setup-commands.ts");
export const projectCommands = () => import("./commands/project-commands.ts");
export const experimentCommands = () => import("./commands/experiment-commands.ts");
export const checkpointCommands = () => import("./commands/checkpoint-commands.ts");
export const searchCommands = () => import("./commands/search-commands.ts");
export const storeCommands = () => import("./commands/store-commands.ts");
export const webhookCommands = () => import("./commands/webhook-commands.ts");

export const hostCommands = () => import("./panels/host-commands.ts");
export const pages = () => import("./panels/page.ts");
export const restoredTargets = () => import("./panels/restored-target.ts");
export const runEditors = () => import("./documents/run-editor.ts");

export const runProblems = () => import("./documents/run-problems.ts");
export const runSuggestions = () => import("./documents/run-suggestions.ts");
export const workspacePaths = () => import("./documents/workspace-paths.ts");

export const clients = () => import("../protocol/client.ts");
export const streams = () => import("./server/stream.ts");
export const discovery = () => import("./server/discovery.ts");
export const serverStart = () => import("./server/start.ts");

export const agentTools = () => import("../protocol/agent/tools.ts");
export const agentData = () => import("../protocol/agent/data.ts");
