/** Projects: make one, say what it is for, what its runs inherit and which metrics are derived in it; see what it was before. */
import * as vscode from "vscode";
import type { ApiClient } from "../../protocol/client.ts";
import { counted } from "../../protocol/counted.ts";
import { Slug } from "../../protocol/ids.ts";
import type { ProjectChanges, ProjectSettings } from "../../protocol/project.ts";
import { localTime } from "../../protocol/local-time.ts";
import type { Host } from "../host.ts";
import { errorText } from "../error-text.ts";
import { statisticsText } from "../runs/run-text.ts";
import { projectOf } from "./arguments.ts";
import { formatParams, parseOverrides } from "./overrides.ts";

type TextSetting = "title" | "description" | "objective" | "task_type" | "base_model" | "owner";

const TEXTS: readonly (readonly [TextSetting, string, string])[] = [
  ["title", "Title", "As people call it"],
  ["description", "Description", "What it is about"],
  ["objective", "Objective", "What it is for, as a sentence"],
  ["task_type", "Task type", "summarization, classification…"],
  ["base_model", "Base model", "What its runs begin with"],
  ["owner", "Owner", "Who answers for it"],
];

interface Entry extends vscode.QuickPickItem {
  /** @returns what to change; null when the user left it as it is */
  readonly edit: () => Promise<ProjectChanges | null>;
}

export async function newProject(host: Host): Promise<void> {
  const title = await ask("New Project", "Title; its folder is named after it", "");
  if (title === null || title === "") return;
  const api = await host.connection.api();
  const { name } = await api.call("createProject", { body: { title } });
  await editSettings(api, name);
}

export async function editProject(host: Host, ...args: unknown[]): Promise<void> {
  const api = await host.connection.api();
  const given = projectOf(args);
  const project = given === null ? await chooseProject(api) : Slug.parse(given);
  if (project !== null) await editSettings(api, project);
}

async function chooseProject(api: ApiClient): Promise<Slug | null> {
  const { projects } = await api.call("listProjects");
  const items = projects.map(({ name, title, status, description }) => ({
    label: name,
    description: [title, status].filter((part) => part !== "").join(" · "),
    detail: description,
    name,
  }));
  const picked = await vscode.window.showQuickPick(items, { title: "Edit Project", placeHolder: "Choose a project" });
  return picked?.name ?? null;
}

/** One setting after the other, until the user leaves the list. */
async function editSettings(api: ApiClient, project: Slug): Promise<void> {
  for (;;) {
    const [settings, statistics] = await Promise.all([
      api.call("getProject", { params: { project } }),
      api.call("getStatistics", { query: { project } }),
    ]);
    const entries = [...settingEntries(api, project, settings), historyEntry(api, project, settings.revision)];
    const chosen = await vscode.window.showQuickPick(entries, {
      title: `Project ${project}, ${settings.status}`,
      placeHolder: `Choose what to change · ${statisticsText(statistics)}`,
    });
    if (chosen === undefined) return;
    const change = await chosen.edit();
    if (change !== null) await api.call("editProject", { params: { project }, body: change });
  }
}

function settingEntries(api: ApiClient, project: Slug, settings: ProjectSettings): Entry[] {
  const texts = TEXTS.map(([key, label, prompt]): Entry => ({
    label,
    description: settings[key],
    edit: async () => {
      const text = await ask(label, prompt, settings[key]);
      return text === null || text === settings[key] ? null : { [key]: text };
    },
  }));
  return [
    ...texts,
    {
      label: "Tags",
      description: settings.tags.join(", "),
      edit: async () => {
        const text = await ask("Tags", "Separated by commas", settings.tags.join(", "));
        const tags = text?.split(",").map((tag) => tag.trim());
        return tags === undefined ? null : { tags: [...new Set(tags)].filter((tag) => tag !== "") };
      },
    },
    {
      label: "Defaults",
      description: formatParams(settings.defaults),
      detail: "Params that its runs inherit, below those of their own",
      edit: () => askDefaults(settings.defaults),
    },
    {
      label: "Derived metrics",
      description: Object.keys(settings.derived).join(", "),
      detail: "Computed for every run from its params and metrics; read as derived.<name>",
      edit: () => askDerived(api, project, settings.derived),
    },
    {
      label: settings.archived ? "Unarchive the project" : "Archive the project",
      edit: () => Promise.resolve({ archived: !settings.archived }),
    },
  ];
}

/** Looks back, changes nothing. */
function historyEntry(api: ApiClient, project: Slug, revision: number): Entry {
  return {
    label: "History",
    description: counted(revision, "change"),
    edit: async () => {
      const { revisions } = await api.call("listProjectRevisions", { params: { project } });
      const items = revisions.toReversed().map(({ time, changed, settings }) => ({
        label: localTime(time),
        description: changed.join(", "),
        detail: JSON.stringify(Object.fromEntries(Object.entries(settings).filter(([key]) => changed.includes(key)))),
      }));
      await vscode.window.showQuickPick(items, { title: `Project ${project} over time`, placeHolder: "Newest first", matchOnDetail: true });
      return null;
    },
  };
}

async function askDefaults(defaults: ProjectSettings["defaults"]): Promise<ProjectChanges | null> {
  const line = await vscode.window.showInputBox({
    title: "Defaults",
    prompt: "learning_rate=1e-4 max_steps=200; empty for none",
    value: formatParams(defaults),
    ignoreFocusOut: true,
    validateInput: (text) => {
      const parsed = parseOverrides(text);
      return parsed.ok ? null : parsed.problem;
    },
  });
  const parsed = line === undefined ? null : parseOverrides(line);
  return parsed?.ok === true ? { defaults: parsed.params } : null;
}

async function askDerived(api: ApiClient, project: Slug, derived: ProjectSettings["derived"]): Promise<ProjectChanges | null> {
  const items = Object.entries(derived).map(([name, expression]) => ({ label: name, description: expression, name }));
  const picked = await vscode.window.showQuickPick([...items, { label: "$(add) Add…", description: "", name: null }], {
    title: `Derived metrics of ${project}`,
  });
  if (picked === undefined) return null;
  const name = picked.name ?? (await ask("New derived metric", "Its name: gap, eval/score…", ""));
  if (name === null || name === "") return null;
  const expression = await vscode.window.showInputBox({
    title: `derived.${name}`,
    prompt: "metrics.eval/loss - metrics.train/loss; empty removes it",
    value: derived[name] ?? "",
    ignoreFocusOut: true,
    validateInput: (text) => problemOf(api, project, text),
  });
  if (expression === undefined) return null;
  const others = Object.fromEntries(Object.entries(derived).filter(([each]) => each !== name));
  return { derived: expression.trim() === "" ? others : { ...others, [name]: expression.trim() } };
}

/** What is wrong with an expression, as the server says it while it is typed. */
async function problemOf(api: ApiClient, project: Slug, expression: string): Promise<string | null> {
  if (expression.trim() === "") return null;
  try {
    await api.call("evaluate", { body: { expression, project, limit: 1 } });
    return null;
  } catch (error) {
    return errorText(error);
  }
}

/** @returns the text without spaces around it, null when the user left */
async function ask(title: string, prompt: string, value: string): Promise<string | null> {
  const text = await vscode.window.showInputBox({ title, prompt, value, ignoreFocusOut: true });
  return text?.trim() ?? null;
}
