import type { VsCodeApi } from "./vscode-transport.ts";

declare function acquireVsCodeApi(): VsCodeApi;

/** VS Code hands the handle out once per page. */
export function acquireApi(): VsCodeApi {
  return acquireVsCodeApi();
}
