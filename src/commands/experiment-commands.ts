/** Experiments: what each was configured as over time, and which runs belong to it. */
import * as vscode from "vscode";
import { counted } from "../../protocol/counted.ts";
import { Slug } from "../../protocol/ids.ts";
import { mustAll } from "../../protocol/refusals.ts";
import { localTime } from "../../protocol/local-time.ts";
import type { Host } from "../host.ts";
import { chooseRuns, projectOf } from "./arguments.ts";
import { changed, namesOf } from "./trash-commands.ts";

const TITLE = "Experiments";

/** An experiment, then one of its configurations, shown beside the one before. */
export async function openExperiments(host: Host, ...args: unknown[]): Promise<void> {
  const api = await host.connection.api();
  const project = projectOf(args);
  const { experiments } = await api.call("listExperiments", { query: project === null ? {} : { project } });
  if (experiments.length === 0) {
    void vscode.window.showInformationMessage(
      "No run belongs to an experiment yet. Name one in the form of a run, or choose Move to Experiment… on runs.",
    );
    return;
  }
  const chosen = await vscode.window.showQuickPick(
    experiments.map((experiment) => ({
      label: experiment.name,
      description: `${experiment.project} · ${counted(experiment.run_count, "run")}`,
      detail: Object.entries(experiment.run_counts)
        .map(([state, count]) => `${String(count)} ${state}`)
        .join(", "),
      experiment,
    })),
    { title: TITLE, placeHolder: "Choose an experiment to see its configurations over time" },
  );
  if (chosen === undefined) return;
  const { experiment } = chosen;
  const { manifests } = await api.call("listManifests", { params: { project: experiment.project, experiment: experiment.name } });
  const items = manifests.map((manifest, index) => ({
    label: localTime(manifest.time),
    description: `${manifest.configuration.recipe} · ${counted(manifest.runs.length, "run")}`,
    detail: manifest.changed.join(", "),
    manifest,
    before: manifests[index - 1] ?? null,
  }));
  const picked = await vscode.window.showQuickPick(items.toReversed(), {
    title: `Configurations of ${experiment.name}`,
    placeHolder: items.length === 0 ? "No run of it has started yet" : "Newest first; choose one to see it beside the one before",
    matchOnDetail: true,
  });
  if (picked !== undefined) await host.manifests.show(experiment, picked.manifest, picked.before);
}

/** Puts runs into an experiment, or takes them out. */
export async function moveToExperiment(host: Host, ...args: unknown[]): Promise<void> {
  const title = "Move to Experiment";
  const runs = await chooseRuns(host, args, (each) => each.damage === null, title);
  if (runs.length === 0) return;
  const projects = new Set(runs.map((run) => run.project));
  const api = await host.connection.api();
  const { experiments } = await api.call("listExperiments", {});
  const known = [...new Set(experiments.filter(({ project }) => projects.has(project)).map(({ name }) => name))];
  const NEW = { label: "$(add) New experiment…", alwaysShow: true };
  const NONE = { label: "$(close) No experiment" };
  const picked = await vscode.window.showQuickPick([NEW, NONE, ...known.map((label) => ({ label }))], {
    title: `${title}: ${namesOf(runs)}`,
    placeHolder: "The configurations of an experiment's runs are kept together, over time",
  });
  if (picked === undefined) return;
  const experiment = picked === NONE ? null : picked === NEW ? await askName(title) : picked.label;
  if (experiment !== undefined) mustAll((await changed(host, runs, { do: "edit", experiment })).failed);
}

async function askName(title: string): Promise<string | undefined> {
  return vscode.window.showInputBox({
    title,
    prompt: "Name of the experiment",
    ignoreFocusOut: true,
    validateInput: (text) => Slug.safeParse(text).error?.issues[0]?.message,
  });
}
