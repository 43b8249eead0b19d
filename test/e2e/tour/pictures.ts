/** The pictures of docs/tour.md, and the VS Code that they are taken in. */
import { symlink } from "node:fs/promises";
import path from "node:path";
import type { Page } from "playwright-core";
import { python, ROOT } from "../../support/machine.ts";
import { startVsCode, type VsCode } from "../vscode.ts";
import type { Workbench } from "../workbench.ts";

/** As large as a page of documentation shows them. */
export const SIZE = { width: 1280, height: 800 } as const;

const FOLDER = path.join(ROOT, "docs", "pictures", "tour");

/** With the Python environment in the workspace, as users have it; and no picture shows where the tests' environment lies. */
export async function startTour(files: Readonly<Record<string, string>>): Promise<VsCode> {
  const settings = JSON.stringify({ "trainyard.python": "${workspaceFolder}/.venv/bin/python" });
  const code = await startVsCode({ ...files, ".vscode/settings.json": settings });
  await symlink(path.dirname(path.dirname(python())), path.join(code.workspace, ".venv"));
  return code;
}

/** The page as it stands, highlights under the mouse included. */
export async function takePicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: path.join(FOLDER, `${name}.png`), animations: "disabled" });
}

/** With the mouse out of the way: it would leave a highlight and a tooltip where it was last, the latter for a while. */
export async function picture(window: Workbench, name: string): Promise<void> {
  await window.page.mouse.move(SIZE.width / 2, SIZE.height - 1);
  await window.page.locator(".workbench-hover").first().waitFor({ state: "hidden" });
  await takePicture(window.page, name);
}

/** Pages get the whole width; the tree comes back with `openActivity`. */
export async function hideSideBar({ page }: Workbench): Promise<void> {
  if (await page.locator(".sidebar").isVisible()) await page.keyboard.press("Control+b");
  await page.locator(".sidebar").waitFor({ state: "hidden" });
}

export async function closeQuickInput(window: Workbench): Promise<void> {
  await window.page.keyboard.press("Escape");
  await window.quickInput.waitFor({ state: "hidden" });
}
