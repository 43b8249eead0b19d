/** The tools for agents: one table for the MCP server and for the language-model tools of the editor. */
import { startRun, stopRun } from "./act-tools.ts";
import { compareRuns, explainRunFailure, getMetricHistory, getRun, listRuns, searchLogs } from "./read-tools.ts";
import type { AgentTool } from "./tool.ts";

export const AGENT_TOOLS: readonly AgentTool[] = [
  listRuns,
  getRun,
  getMetricHistory,
  compareRuns,
  searchLogs,
  explainRunFailure,
  startRun,
  stopRun,
];
