/** The configurations that an experiment had, as read-only documents: `trainyard-manifest:/<project>/<experiment>/<time>.json` */
import * as vscode from "vscode";
import type { Experiment, Manifest } from "../../protocol/experiments.ts";
import { localTime } from "../../protocol/local-time.ts";
import type { ServerConnection } from "../server/connection.ts";
import { ServerDocuments } from "./server-documents.ts";

const SCHEME = "trainyard-manifest";
const ENDING = ".json";

type Named = Pick<Experiment, "project" | "name">;

export class ManifestDocuments extends ServerDocuments {
  constructor(connection: ServerConnection) {
    super(SCHEME, connection);
  }

  /** Beside the one before, where there is one. */
  async show(experiment: Named, manifest: Manifest, before: Manifest | null): Promise<void> {
    const now = documentUri(experiment, manifest);
    if (before === null) {
      await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(now), { preview: true });
      return;
    }
    const when = (of: Manifest): string => localTime(of.time);
    const title = `${experiment.name} (${when(before)} ↔ ${when(manifest)})`;
    await this.showBeside(documentUri(experiment, before), now, title);
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const [, project = "", experiment = "", file = ""] = uri.path.split("/").map(decodeURIComponent);
    const api = await this.api();
    const params = { project, experiment, time: file.slice(0, -ENDING.length) };
    const { time, last_time, configuration, runs } = await api.call("getManifest", { params });
    return `${JSON.stringify({ ...configuration, runs, time, last_time }, null, 2)}\n`;
  }
}

/** A name that was written by hand may hold slashes; the rest stays as it is read in titles. */
function documentUri({ project, name }: Named, { time }: Manifest): vscode.Uri {
  return vscode.Uri.from({
    scheme: SCHEME,
    path: `/${[project, name, `${time}${ENDING}`].map((part) => part.replace(/[%/]/g, encodeURIComponent)).join("/")}`,
  });
}
