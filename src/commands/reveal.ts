/** Shows a file or folder where the user can see it: the system's file manager on a desktop, the explorer or a copied path elsewhere. */
import * as vscode from "vscode";

export async function revealPath(target: string): Promise<void> {
  const uri = vscode.Uri.file(target);
  const desktop = vscode.env.remoteName === undefined && vscode.env.uiKind === vscode.UIKind.Desktop;
  if (desktop) {
    await vscode.commands.executeCommand("revealFileInOS", uri);
    return;
  }
  if (vscode.workspace.getWorkspaceFolder(uri) !== undefined) {
    await vscode.commands.executeCommand("revealInExplorer", uri);
    return;
  }
  const chosen = await vscode.window.showInformationMessage(target, "Copy Path");
  if (chosen === "Copy Path") await vscode.env.clipboard.writeText(target);
}
