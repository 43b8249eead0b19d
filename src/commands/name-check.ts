/** Says while a run's name is typed whether another run of the project has it already. Names need not differ: it is a hint. */
import * as vscode from "vscode";
import type { ApiClient } from "../../protocol/client.ts";

/** For `validateInput`; null when the name is free or empty. */
export async function nameHint(api: ApiClient, project: string, name: string): Promise<vscode.InputBoxValidationMessage | null> {
  if (name.trim() === "") return null;
  const { available, suggestion } = await api.call("checkName", { query: { project, name: name.trim() } });
  if (available) return null;
  return {
    message: `Another run of ${project} is called so; ${suggestion} is free`,
    severity: vscode.InputBoxValidationSeverity.Info,
  };
}
