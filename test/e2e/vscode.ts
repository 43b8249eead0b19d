/** A real VS Code for the tests: the workbench and remote extension host of code-server, driven in Chromium. */
import { spawn, type ChildProcess } from "node:child_process";
import { appendFileSync } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { browser as browserPath, codeServer, python, ROOT, vsix } from "../support/machine.ts";
import { killQuietly, runProgram } from "../support/processes.ts";
import { endServer } from "../support/store.ts";
import { Workbench } from "./workbench.ts";

const RESULTS = path.join(ROOT, "test-results");
const START_TIMEOUT_MS = 60_000;

const SETTINGS = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "window.commandCenter": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "extensions.autoUpdate": false,
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "files.simpleDialog.enable": true,
  // A workbench in a browser saves by itself; one on a desktop, which is what users have, does not.
  "files.autoSave": "off",
  "git.openRepositoryInParentFolders": "never",
};

const BROWSER_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export interface VsCode {
  /** The folder that is open in every window. */
  readonly workspace: string;
  readonly store: string;
  /** A new window on the workspace, with a clean user interface. */
  openWindow(): Promise<Workbench>;
  /** Everything that the workbench's server and extension host wrote. */
  readonly hostLog: string;
  close(): Promise<void>;
}

/**
 * Installs the packaged extension into a VS Code of its own and opens `files` as its workspace.
 * @param restricted nobody has said that the workspace is trusted, as after a clone
 * @param extensions further ones, each the files of its folder
 */
export async function startVsCode(
  files: Readonly<Record<string, string>>,
  {
    restricted = false,
    extensions = {},
  }: { restricted?: boolean; extensions?: Readonly<Record<string, Readonly<Record<string, string>>>> } = {},
): Promise<VsCode> {
  const root = await realpath(await mkdtemp(path.join(os.tmpdir(), "trainyard-e2e-")));
  const workspace = path.join(root, "workspace");
  const folders = { user: path.join(root, "user-data"), extensions: path.join(root, "extensions"), home: path.join(root, "home") };
  for (const folder of [workspace, RESULTS, path.join(folders.user, "User"), folders.extensions, folders.home])
    await mkdir(folder, { recursive: true });
  await writeFiles(workspace, files);
  for (const [name, content] of Object.entries(extensions)) await writeFiles(path.join(folders.extensions, name), content);
  const trust = { "security.workspace.trust.enabled": restricted, "security.workspace.trust.startupPrompt": "never" };
  const settings = { ...SETTINGS, ...trust, "trainyard.python": python() };
  await writeFile(path.join(folders.user, "User", "settings.json"), JSON.stringify(settings, null, 2));
  const config = path.join(root, "config.yaml");
  await writeFile(config, "");
  const hostLog = path.join(RESULTS, `vscode-${process.pid}-${path.basename(root)}.log`);

  const common = [codeServer(), "--config", config, "--user-data-dir", folders.user, "--extensions-dir", folders.extensions];
  const env = hostEnvironment(folders.home);
  const installed = await runProgram(process.execPath, [...common, "--install-extension", vsix(), "--force"], { env });
  if (installed.code !== 0) throw new Error(`the extension could not be installed:\n${installed.stdout}\n${installed.stderr}`);

  const { child, url } = await startHost([...common, ...hostArguments(root, restricted)], env, hostLog);
  const browser = await chromium.launch({ executablePath: browserPath(), args: BROWSER_ARGS });
  const store = path.join(workspace, ".trainyard");
  return {
    workspace,
    store,
    hostLog,
    async openWindow() {
      return Workbench.open(await newPage(browser, hostLog), `${url}?folder=${encodeURIComponent(workspace)}`, RESULTS);
    },
    async close() {
      await browser.close();
      endGroup(child);
      await endServer(store);
      await rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
}

/** No gallery, no proxy of an outer VS Code, a home of its own; the caches of the trainings stay away from the user's. */
function hostEnvironment(home: string): Record<string, string | undefined> {
  const outer = Object.keys(process.env).filter((name) => name.startsWith("VSCODE_") || name.startsWith("TRAINYARD_"));
  return {
    ...Object.fromEntries(outer.map((name) => [name, undefined])),
    EXTENSIONS_GALLERY: "{}",
    HOME: home,
    OMP_NUM_THREADS: "1",
    HF_HUB_OFFLINE: "1",
  };
}

function hostArguments(root: string, restricted: boolean): string[] {
  return [
    ...["--auth", "none", "--bind-addr", "127.0.0.1:0", "--session-socket", path.join(root, "s.sock")],
    ...["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"],
    ...(restricted ? [] : ["--disable-workspace-trust"]),
    ...["--disable-file-downloads", "--ignore-last-opened"],
  ];
}

async function startHost(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  logFile: string,
): Promise<{ child: ChildProcess; url: string }> {
  // A process group of its own, so that the extension host ends with it.
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let output = "";
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string): void => {
      endGroup(child);
      reject(new Error(`VS Code did not start: ${why}\n${output}`));
    };
    const timer = setTimeout(fail, START_TIMEOUT_MS, "no address in time");
    const read = (text: string): void => {
      output += text;
      appendFileSync(logFile, text);
      const found = /HTTP server listening on (http:\/\/[\d.:]+\/?)/.exec(output);
      if (found?.[1] === undefined) return;
      clearTimeout(timer);
      resolve(found[1].endsWith("/") ? found[1] : `${found[1]}/`);
    };
    child.stdout.setEncoding("utf8").on("data", read);
    child.stderr.setEncoding("utf8").on("data", read);
    child.on("exit", (code) => {
      clearTimeout(timer);
      fail(`it ended with ${String(code)}`);
    });
  });
  return { child, url };
}

function endGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) killQuietly(-child.pid);
}

async function newPage(browser: Browser, logFile: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") appendFileSync(logFile, `[page ${message.type()}] ${message.text()}\n`);
  });
  page.on("pageerror", (error) => {
    appendFileSync(logFile, `[page fault] ${error.stack ?? error.message}\n`);
  });
  return page;
}
