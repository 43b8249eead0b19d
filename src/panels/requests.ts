/** What the editor adds to a webview's request, and what it refuses: launching anything in a workspace that is not trusted. Pure. */
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { RouteName } from "../../protocol/routes.ts";

export interface EditorEnvironment {
  readonly baseDir: string | null;
  readonly trusted: boolean;
  readonly python: () => Promise<string | null>;
}

/** Routes that run something of the workspace: its interpreter, its scripts. */
const LAUNCHING: ReadonlySet<RouteName> = new Set([
  "createSweep",
  "planSweep",
  "continueSweep",
  "getSweepImportance",
  "createRun",
  "dryRun",
  "preflight",
  "scriptForm",
  "previewDataset",
  "renderDataset",
  "probe",
  "startRun",
  "cloneRun",
  "resumeRun",
  "listRecipes",
]);
/** Routes whose body holds a run document. */
const WITH_SPEC: ReadonlySet<RouteName> = new Set([
  "createSweep",
  "planSweep",
  "createRun",
  "dryRun",
  "preflight",
  "scriptForm",
  "previewDataset",
  "renderDataset",
  "probe",
]);

/** @throws TrainyardError forbidden in an untrusted workspace */
export async function prepareRequest(route: RouteName, body: unknown, environment: EditorEnvironment): Promise<unknown> {
  if (LAUNCHING.has(route) && !environment.trusted) throw untrusted();
  return WITH_SPEC.has(route) ? await withEnvironment(body, environment) : body;
}

export function untrusted(): TrainyardError {
  return new TrainyardError(
    "forbidden",
    "nothing is started in a workspace that is not trusted",
    "Trust the workspace (Workspaces: Manage Workspace Trust), then try again.",
  );
}

/** A spec that names no interpreter or base folder takes the editor's. Anything malformed goes on as it is, for the check that follows. */
async function withEnvironment(body: unknown, environment: EditorEnvironment): Promise<unknown> {
  if (!isRecord(body) || !isRecord(body["spec"])) return body;
  const python = typeof body["spec"]["python"] === "string" ? null : await environment.python();
  return {
    ...body,
    spec: python === null ? body["spec"] : { ...body["spec"], python },
    ...(body["base_dir"] === undefined && environment.baseDir !== null ? { base_dir: environment.baseDir } : {}),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
