/** What is done with runs that are there, by a user in a real VS Code: several at once, trash, export and import, notes, other stores, agents. */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type { FrameLocator } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { ApiClient } from "../../protocol/client.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { python, ROOT } from "../support/machine.ts";
import { runProgram } from "../support/processes.ts";
import { clientOf } from "../support/store.ts";
import { startVsCode, type VsCode } from "./vscode.ts";
import type { Workbench } from "./workbench.ts";

const MAKE_RUNS = `import sys, trainyard
for name in sys.argv[1:]:
    with trainyard.init(name=name, params={"lr": 0.1}) as run:
        for step in range(1, 21):
            run.log({"train/loss": 1 / step}, step=step)
`;
/** The loss is least at a rate of 0.3. */
const RATES = `import argparse
import trainyard

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
options = parser.parse_args()
run = trainyard.init()
for step in range(1, 21):
    run.log({"train/loss": (options.lr - 0.3) ** 2 + 1 / step}, step=step)
`;
const shellDocument = (name: string, line: string): string =>
  JSON.stringify({ name, recipe: "command", params: { command: ["sh", "-c", line] } });
/** Documents of runs: the first lives until the file `go` is there. */
const QUEUED = {
  "hold.run.yaml": shellDocument("hold", "until test -e go; do sleep 0.1; done"),
  ...Object.fromEntries(["first", "second", "third"].map((name) => [`${name}.run.yaml`, shellDocument(name, "true")])),
};
/** Asks the editor for the language-model tools as an agent's extension does, and calls one. */
const PROBE = {
  "package.json": JSON.stringify({
    name: "probe",
    publisher: "tests",
    version: "1.0.0",
    engines: { vscode: "^1.95.0" },
    main: "./probe.js",
    contributes: { commands: [{ command: "probe.ask", title: "Probe: Ask" }] },
  }),
  "probe.js": `const vscode = require("vscode");
exports.activate = ({ subscriptions }) => {
  subscriptions.push(vscode.commands.registerCommand("probe.ask", async () => {
    const call = async (name, input) => {
      const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
      return content.map((part) => part.value).join("");
    };
    const tools = vscode.lm.tools.filter(({ name }) => name.startsWith("trainyard_")).map(({ name }) => name);
    const answer = { tools, runs: await call("trainyard_list_runs", {}), missing: await call("trainyard_get_run", { run: "nobody" }) };
    const file = vscode.Uri.joinPath(vscode.workspace.workspaceFolders[0].uri, "answer.json");
    await vscode.workspace.fs.writeFile(file, Buffer.from(JSON.stringify(answer)));
  }));
};
`,
};

let code: VsCode;
let window: Workbench;
let api: ApiClient;
let elsewhere: string;

beforeAll(async () => {
  code = await startVsCode({ "make_runs.py": MAKE_RUNS, "rates.py": RATES, ...QUEUED }, { extensions: { "tests.probe-1.0.0": PROBE } });
  await makeRuns(code.workspace, "alpha", "beta", "gamma", "delta");
  // Not inside of the workspace: a run goes to the store above it.
  elsewhere = path.join(path.dirname(code.workspace), "elsewhere");
  await makeRuns(elsewhere, "epsilon");
  window = await code.openWindow();
  await window.openActivity("Trainyard");
  await window.expandRow(/default/);
  await window.treeRow("delta").waitFor();
  api = await clientOf(code.store);
});
afterAll(() => code.close());
afterEach(async (context) => {
  if (context.task.result?.state !== "fail") return;
  await window.screenshot(`failed-${context.task.name.replace(/\W+/g, "-")}`);
  console.error(`The host's log is ${code.hostLog}`);
});

async function makeRuns(folder: string, ...names: string[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const script = path.join(code.workspace, "make_runs.py");
  const made = await runProgram(python(), [script, ...names], { cwd: folder, env: { PYTHONPATH: path.join(ROOT, "python") } });
  if (made.code !== 0) throw new Error(`the runs could not be made: ${made.stderr}`);
}

async function runNamed(name: string): Promise<RunSummary | undefined> {
  return (await api.call("listRuns", {})).runs.find((run) => run.name === name);
}

it("tags and archives several runs that are selected in the tree", async () => {
  await window.select("alpha", "beta");
  await window.chooseInMenu("beta", "Tags…");
  await window.quickInput.getByText("Tags of 2 runs").waitFor();
  await window.tick("New tags…");
  await window.answer("New tags of 2 runs", "kept, first try");
  await expect
    .poll(async () => [(await runNamed("alpha"))?.tags, (await runNamed("beta"))?.tags])
    .toEqual(Array(2).fill(["kept", "first try"]));
  await window.chooseInMenu("beta", "Archive");
  await window.expandRow("Archived");
  await expect.poll(async () => [(await runNamed("alpha"))?.archived, (await runNamed("beta"))?.archived]).toEqual([true, true]);
  expect([(await runNamed("gamma"))?.archived, (await runNamed("gamma"))?.tags]).toEqual([false, []]);
});

it("moves runs to the trash, brings one back, and removes the other for good", async () => {
  await window.select("gamma", "delta");
  await window.chooseInMenu("delta", "Move to Trash…");
  await window.confirm("Move to Trash");
  await expect.poll(() => window.treeRow("gamma").count()).toBe(0);
  await window.runCommand("Trainyard: Restore from Trash…");
  await window.tick("gamma");
  await window.treeRow("gamma").waitFor();
  await window.runCommand("Trainyard: Empty Trash…");
  await window.confirm("Remove for Good");
  await expect.poll(async () => (await api.call("listTrash", {})).runs).toEqual([]);
  expect(await runNamed("delta")).toBeUndefined();
});

it("says while a run is renamed that a name is taken", async () => {
  await window.chooseInMenu("gamma", "Rename…");
  const input = window.quickInput.locator("input.input");
  await input.fill("alpha");
  await window.quickInput.getByText("alpha 2 is free").waitFor();
  await input.fill("omega");
  await window.quickInput.getByText("alpha 2 is free").waitFor({ state: "hidden" });
  await window.page.keyboard.press("Enter");
  await window.treeRow("omega").waitFor();
});

/** A new document of the recipe `script`, in a form of its own. */
async function openForm(command: string): Promise<FrameLocator> {
  await window.runCommand("View: Close All Editors");
  await window.runCommand(command);
  const form = window.webview();
  await form.getByTestId("builder-recipe").selectOption("script", { timeout: 60_000 });
  return form;
}

/** Names the script; the fields of its own come with it. */
async function nameScript(form: FrameLocator): Promise<void> {
  await form.getByTestId("field-script").locator("input").fill("rates.py");
  await form.getByTestId("field-lr").waitFor({ timeout: 60_000 });
}

async function startFrom(form: FrameLocator): Promise<void> {
  const button = form.getByTestId("builder-start");
  await expect.poll(() => button.isEnabled(), { timeout: 60_000 }).toBe(true);
  // By the keyboard: news of a run may lie over the button.
  await button.press("Enter");
}

it("saves a preset from the form, and starts a run with it", async () => {
  const first = await openForm("Trainyard: New Run…");
  await nameScript(first);
  await first.getByTestId("field-lr").locator("input").fill("0.25");
  await first.getByTestId("preset-menu").click();
  await first.getByTestId("saved-name").fill("Gentle");
  await first.getByTestId("saved-save").click();
  await first.getByTestId("preset-gentle").waitFor();
  await window.screenshot("preset-saved");
  const saved = await readFile(path.join(code.workspace, "trainyard_presets", "script", "gentle.yaml"), "utf8");
  expect(saved).toBe("title: Gentle\nvalues:\n  script: rates.py\n  lr: 0.25\n");

  const second = await openForm("Trainyard: New Run…");
  await second.getByTestId("preset-gentle").click();
  // The script is the preset's, and so are the values of its own fields.
  await second.getByTestId("field-lr").waitFor({ timeout: 60_000 });
  expect(await second.getByTestId("field-lr").locator("input").inputValue()).toBe("0.25");
  await second.getByTestId("builder-name").fill("gently");
  await window.screenshot("preset-chosen");
  await startFrom(second);
  await expect.poll(async () => (await runNamed("gently"))?.state, { timeout: 60_000 }).toBe("completed");
  expect(await runNamed("gently")).toMatchObject({ recipe: "script", params: { script: "rates.py", lr: 0.25 } });
  await expect.poll(async () => (await runNamed("gently"))?.metrics["train/loss"]?.last).toBeCloseTo(0.05 ** 2 + 1 / 20);
});

it("makes a sweep in the form, and shows its runs in order and what matters", async () => {
  const form = await openForm("Trainyard: New Sweep…");
  await nameScript(form);
  await form.getByTestId("builder-name").fill("rates");
  await form.getByTestId("sweep-add").selectOption("lr");
  await form.getByTestId("sweep-values-lr").fill("0.9, 0.3, 0.5, 0.2");
  await form.getByTestId("sweep-metric").fill("train/loss");
  await form.getByTestId("sweep-concurrency").fill("2");
  await window.page.keyboard.press("Enter");
  await expect.poll(() => form.getByTestId("builder-start").innerText(), { timeout: 60_000 }).toContain("Start 4 runs");
  await window.screenshot("sweep-form");
  await startFrom(form);

  const panel = window.webview();
  await expect.poll(() => panel.getByTestId("sweep-state").getAttribute("data-state"), { timeout: 60_000 }).toBe("finished");
  await window.notification("The sweep rates has ended: 4 of 4 runs completed. Best: rates 2 with train/loss 0.05.").waitFor();
  await window.screenshot("sweep-notification");
  const { notices } = await api.call("listNotices", { query: {} });
  expect(notices.filter(({ message }) => message.includes("rates"))).toHaveLength(1);
  await panel.getByTestId("sweep-sort-objective").click();
  await expect
    .poll(async () => (await panel.getByTestId("sweep-open-run").allInnerTexts()).map((name) => name.trim()))
    .toEqual(["rates 2", "rates 4", "rates 3", "rates 1"]);
  const matters = panel.locator('[data-testid="sweep-share"][data-param="lr"]');
  await expect.poll(() => matters.innerText()).toContain("rank correlation");
  await window.screenshot("sweep-panel");
});

it("tells of the run under the pointer what its row has no room for", async () => {
  await window.treeRow("omega").hover();
  await window.page.locator(".monaco-hover", { hasText: /metric.*last.*best seen.*train\/loss.*0\.05/s }).waitFor();
  await window.screenshot("run-hover");
  await window.page.mouse.move(0, 0);
});

it("keeps what is written about a run", async () => {
  await window.treeRow("omega").dblclick();
  const dashboard = window.webview();
  await dashboard.getByTestId("tab-notes").click();
  await dashboard.getByTestId("run-description").fill("the one that stayed");
  await dashboard.getByTestId("run-notes").fill("restored from the trash\nthen renamed");
  await window.page.keyboard.press("Control+S");
  await expect.poll(() => dashboard.getByTestId("run-notes-said").innerText()).toMatch(/^Saved /);
  expect(await runNamed("omega")).toMatchObject({ description: "the one that stayed", notes: "restored from the trash\nthen renamed" });
});

it("queues runs, orders them, pauses, takes one out, and starts one ahead of its turn", async () => {
  const waitingNames = async (): Promise<string[]> => (await api.call("getQueue", {})).waiting.map(({ name }) => name);
  await window.openFile("hold.run.yaml");
  await window.runCommand("Trainyard: Open Run File as Form");
  const enqueue = window.webview().getByTestId("builder-enqueue");
  await expect.poll(() => enqueue.isEnabled(), { timeout: 60_000 }).toBe(true);
  await enqueue.click();
  await expect.poll(async () => (await runNamed("hold"))?.state).toBe("running");
  for (const name of ["first", "second", "third"]) {
    await window.openFile(`${name}.run.yaml`);
    // The tab stands there before the text does, and commands are about the text.
    await window.page.locator(`.monaco-editor[data-uri$="/${name}.run.yaml"]`).first().waitFor();
    await window.runCommand("Trainyard: Add Run to Queue from File");
    await expect.poll(waitingNames).toContain(name);
  }
  await window.openActivity("Trainyard");
  await window.treeRow(/Queue.*3 waiting · 1 of 1 running/).waitFor();
  await window.treeRow(/first.*#1 · Waits for hold to end/).waitFor();
  await window.treeRow(/first.*#1/).dblclick();
  await expect.poll(() => window.webview().getByTestId("state-reason").innerText()).toBe("#1 in the queue. Waits for hold to end.");
  await window.chooseInMenu(/third.*#3/, "Move Up in Queue");
  await window.treeRow(/third.*#2 · Behind 1 other run/).waitFor();
  await window.chooseInMenu(/second.*#3/, "Remove from Queue");
  await window.treeRow(/Queue.*2 waiting/).waitFor();
  expect(await runNamed("second")).toMatchObject({ state: "draft", queue: { left: "removed" } });
  await window.chooseInMenu("second", "Add to Queue");
  await window.treeRow(/second.*#3/).waitFor();

  await window.chooseInMenu(/Queue.*3 waiting/, "Pause Queue");
  await window.treeRow(/Queue.*paused · 3 waiting/).waitFor();
  await writeFile(path.join(code.workspace, "go"), "");
  // Drawn for the last time: a row that is redrawn while its menu is open is lost to the menu.
  await window.treeRow(/Queue.*paused · 3 waiting · 0 of 1 running/).waitFor();
  await window.treeRow(/second.*#3 · The queue is paused/).waitFor();
  await window.statusBar.getByText("3 queued, paused").waitFor();
  expect(await waitingNames()).toEqual(["first", "third", "second"]);
  await window.chooseInMenu(/second.*#3/, "Start Now");
  await expect.poll(async () => (await runNamed("second"))?.state).toBe("completed");
  await window.chooseInMenu(/Queue.*2 waiting/, "Set Queue Limit…");
  await window.answer("Set Queue Limit", "2");
  await window.chooseInMenu(/Queue.*paused/, "Resume Queue");
  await expect.poll(async () => [(await runNamed("first"))?.state, (await runNamed("third"))?.state]).toEqual(["completed", "completed"]);
  await window.treeRow(/^Queue/).waitFor({ state: "hidden" });
  await window.runCommand("Trainyard: Show Queue History");
  await window.quickInput
    .getByText(/^completed · waited .* · ran /)
    .first()
    .waitFor();
  await window.page.keyboard.press("Escape");
  expect(await api.call("getQueue", {})).toMatchObject({ concurrency: 2, paused_at: null, running: [], waiting: [] });
});

it("edits the document of a draft, refuses what is none, and starts what stands in the editor", async () => {
  const source = 'name: sketch\nrecipe: command\nparams:\n  command: ["true"] # for now\n';
  const spec = { name: "sketch", recipe: "command", params: { command: ["true"] } };
  const { id } = await api.call("createRun", { body: { spec, source, start: false, base_dir: code.workspace } });
  // By the palette: a row that is redrawn while its menu is open is lost to the menu.
  await window.treeRow("sketch").waitFor();
  await window.runCommand("Trainyard: Edit Draft");
  await window.pick("sketch");
  await window.tab("sketch.run.yaml").waitFor();
  const write = async (text: string): Promise<void> => {
    await window.page.locator(".editor-instance .view-lines").last().click();
    await window.page.keyboard.press("Control+End");
    // At once: what is typed key by key is completed.
    await window.page.keyboard.insertText(text);
  };
  const save = async (): Promise<void> => window.page.keyboard.press("Control+S");
  const draft = async () => api.call("getRun", { params: { id } });
  await write("description: rewritten in the editor\n");
  await save();
  await expect.poll(async () => (await draft()).description).toBe("rewritten in the editor");
  expect(await readFile(path.join((await draft()).run_dir, "spec.yaml"), "utf8")).toContain("# for now\n");
  await write("nonsense: 1\n");
  await save();
  await window.notification("nonsense is not a field of a run file").waitFor();
  await window.page.keyboard.press("Shift+ArrowUp");
  await window.page.keyboard.press("Delete");
  await write("tags: [kept]\n");
  await window.runCommand("Trainyard: Start");
  await window.quickInput.getByText("Start Draft").waitFor();
  await window.pick("sketch");
  await expect.poll(async () => (await draft()).state).toBe("completed");
  expect((await draft()).tags).toEqual(["kept"]);
});

it("exports a run and imports it again, with every point", async () => {
  const file = path.join(code.workspace, "omega.parquet");
  await window.chooseInMenu("omega", "Export Run…");
  await window.pick("Parquet");
  await window.answerDialog("Export omega", file);
  // By what was done, not by the notification: the window shows a few of them at once, and each for a while.
  await expect.poll(() => existsSync(file), { timeout: 30_000 }).toBe(true);
  await window.runCommand("Trainyard: Import Runs…");
  await window.answerDialog("Import Runs", file);
  await window.pick("As the file says");
  const both = async () => (await api.call("listRuns", {})).runs.filter(({ name }) => name === "omega");
  await expect.poll(async () => (await both()).length, { timeout: 30_000 }).toBe(2);
  const metrics = (await both()).map(({ metrics: all }) => all["train/loss"]);
  expect(metrics[0]).toMatchObject({ last: 0.05, last_step: 20, count: 20 });
  expect(metrics[1]).toEqual(metrics[0]);
});

it("shows the runs of another store, and shows them no longer", async () => {
  const other = path.join(elsewhere, ".trainyard");
  await window.runCommand("Trainyard: Manage Stores…");
  await window.pick("Add stores…");
  await window.chooseFolder("A store", other, "default");
  await window.treeRow("epsilon").waitFor();
  expect(await runNamed("epsilon")).toMatchObject({ store: { own: false, path: other } });
  await window.runCommand("Trainyard: Manage Stores…");
  await window.pick(other);
  await window.pick("Show It No Longer");
  await expect.poll(() => window.treeRow("epsilon").count()).toBe(0);
});

it("opens the history of the machine", async () => {
  await window.runCommand("Trainyard: Open System History");
  const page = window.webview();
  await page.getByTestId("system-cpu").locator("canvas").waitFor();
  await expect.poll(() => page.getByTestId("system-memory").innerText()).toMatch(/\d % now/);
});

it("opens the page of the interface in a browser", async () => {
  const opened = window.page.context().waitForEvent("page");
  await window.runCommand("Trainyard: Open API Page in Browser");
  const page = await opened;
  await expect.poll(() => page.title()).toMatch(/API|interface/i);
  expect(new URL(page.url()).pathname).toMatch(/\/docs$/);
  await page.close();
});

it("gives its tools to the editor's agents, who can call them", async () => {
  await window.runCommand("Probe: Ask");
  const file = path.join(code.workspace, "answer.json");
  const answer = async () =>
    JSON.parse(await readFile(file, "utf8").catch(() => "{}")) as { tools?: string[]; runs?: string; missing?: string };
  await expect.poll(async () => (await answer()).tools?.length, { timeout: 15_000 }).toBe(8);
  const { tools, runs, missing } = await answer();
  expect(tools).toEqual(
    expect.arrayContaining(["trainyard_list_runs", "trainyard_explain_failure", "trainyard_start_run", "trainyard_stop_run"]),
  );
  expect(runs).toContain(`"name":"omega"`);
  expect(missing).toContain("not_found");
});
