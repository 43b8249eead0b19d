/** A workspace that nobody has said to trust, as after a clone: its runs can be looked at, and nothing of it is started or executed. */
import { existsSync } from "node:fs";
import { chmod, readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, it, onTestFailed } from "vitest";
import { python, ROOT } from "../support/machine.ts";
import { runProgram } from "../support/processes.ts";
import { clientOf } from "../support/store.ts";
import { startVsCode, type VsCode } from "./vscode.ts";
import type { Workbench } from "./workbench.ts";

const MARK = "executed";
/** Whoever takes an interpreter from the workspace runs this. */
const TRAP = `#!/bin/sh
touch "$(dirname "$0")/${MARK}"
`;
const LOOP = `import trainyard
with trainyard.init(name="made before", params={"lr": 0.1}) as run:
    for step in range(1, 21):
        run.log({"train/loss": 1 / step}, step=step)
`;

let code: VsCode;
let window: Workbench;

beforeAll(async () => {
  code = await startVsCode(
    {
      "loop.py": LOOP,
      "try.run.yaml": "recipe: script\npython: ./trap.sh\nparams:\n  script: loop.py\n",
      "trap.sh": TRAP,
      ".venv/bin/python": TRAP,
      ".vscode/settings.json": JSON.stringify({ "trainyard.python": "${workspaceFolder}/trap.sh", "trainyard.store": "/tmp" }),
    },
    { restricted: true },
  );
  for (const trap of ["trap.sh", ".venv/bin/python"]) await chmod(path.join(code.workspace, trap), 0o755);
  const made = await runProgram(python(), ["loop.py"], { cwd: code.workspace, env: { PYTHONPATH: path.join(ROOT, "python") } });
  if (made.code !== 0) throw new Error(`the run could not be made: ${made.stderr}`);
  window = await code.openWindow();
});
afterAll(() => code.close());

/** The titles of the commands that start or execute something, and of the others that the palette offers wherever one is. */
async function commandTitles(): Promise<{ launching: string[]; others: string[] }> {
  const { contributes } = JSON.parse(await readFile(path.join(ROOT, "package.json"), "utf8")) as {
    contributes: {
      commands: { command: string; title: string; enablement: string }[];
      menus: { commandPalette: { command: string }[] };
    };
  };
  const somewhere = new Set(contributes.menus.commandPalette.map(({ command }) => command));
  const launching = contributes.commands.filter(({ enablement }) => enablement.includes("isWorkspaceTrusted"));
  const others = contributes.commands.filter((each) => !launching.includes(each) && !somewhere.has(each.command));
  return { launching: launching.map(({ title }) => title), others: others.map(({ title }) => title) };
}

it("shows runs, starts nothing, and says what to do", async () => {
  onTestFailed(async () => {
    await window.screenshot("failed-restricted");
    console.error(`The host's log is ${code.hostLog}`);
  });
  await window.statusBar.getByText("Restricted Mode").waitFor();
  await window.openActivity("Trainyard");
  await window.expandRow(/default/);
  await window.treeRow("made before").dblclick();
  const dashboard = window.webview();
  await expect.poll(() => dashboard.getByTestId("run-state").getAttribute("data-state"), { timeout: 60_000 }).toBe("completed");
  await dashboard.locator('[data-testid="chart-train/loss"] canvas.lines').waitFor();

  await window.openFile("try.run.yaml");
  // A run file is open: a trusted workspace would offer to start it.
  const { launching, others } = await commandTitles();
  const offered = await window.offered("Trainyard", "Open Dashboard");
  expect(offered).toEqual(expect.arrayContaining(others));
  expect(launching.length).toBeGreaterThan(10);
  expect(offered.filter((title) => launching.includes(title))).toEqual([]);

  await window.runCommand("Trainyard: Open Run File as Form");
  const form = window.webview();
  await form.getByText("Workspaces: Manage Workspace Trust").first().waitFor();
  expect(await form.getByTestId("builder-start").count()).toBe(0);
  await window.screenshot("restricted");

  expect((await (await clientOf(code.store)).call("listRuns", {})).runs.map(({ name }) => name)).toEqual(["made before"]);
  for (const folder of ["", ".venv/bin"]) expect(existsSync(path.join(code.workspace, folder, MARK))).toBe(false);
});
