/** Changes to the document of a draft. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { RunId } from "../protocol/ids.ts";
import type { ApiClient } from "../protocol/client.ts";
import { TrainyardError } from "../protocol/errors.ts";
import type { RunDetail } from "../protocol/queries.ts";
import { mustBeDraft } from "../protocol/refusals.ts";
import { draftRequest } from "../protocol/run-document/draft.ts";
import type { SpecEdit } from "../protocol/run-document/edit.ts";
import { parseParams } from "./assignments.ts";

export interface DraftChanges {
  /** `key=value` of params. */
  readonly set: readonly string[];
  /** Params to take out: their defaults count again. */
  readonly unset: readonly string[];
  /** A document that takes the place of the draft's own; absolute. */
  readonly file: string | null;
}

/** @throws TrainyardError conflict (no draft) | invalid_spec | missing_file */
export async function editDraft(client: ApiClient, id: RunId, { set, unset, file }: DraftChanges): Promise<RunDetail> {
  const draft = await client.call("getRun", { params: { id } });
  mustBeDraft(draft);
  const place = file ?? path.join(draft.run_dir, "spec.yaml");
  const text = await readFile(place, "utf8").catch((error: unknown) => {
    throw new TrainyardError("missing_file", `${place} cannot be read`, "Check the path and its permissions.", [], { cause: error });
  });
  const edits: SpecEdit[] = Object.entries(parseParams(set)).map(([key, value]) => ({ path: ["params", key], value }));
  edits.push(...unset.map((key) => ({ path: ["params", key.replace(/^params\./, "")] })));
  return client.call("editDraft", { params: { id }, body: draftRequest(draft, place, text, edits) });
}
