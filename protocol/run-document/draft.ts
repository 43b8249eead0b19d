/** What is asked of the server to put a text in the place of a draft's document. */
import type { RunDetail } from "../queries.ts";
import { mustBeDraft } from "../refusals.ts";
import type { RouteBody } from "../routes.ts";
import { startedFrom } from "../spec.ts";
import { applySpecEdits, type SpecEdit } from "./edit.ts";
import { notADocument, readRunDocument } from "./read.ts";

/**
 * The rest of the document stays as it was written, with its comments.
 * @param file the text's name in messages
 * @throws TrainyardError conflict (no draft) | invalid_spec
 */
export function draftRequest(draft: RunDetail, file: string, text: string, edits: readonly SpecEdit[] = []): RouteBody<"editDraft"> {
  mustBeDraft(draft);
  const written = readRunDocument(text);
  if (written.values === null) throw notADocument(file, text, written);
  const project: SpecEdit[] = written.values["project"] === undefined ? [{ path: ["project"], value: draft.project }] : [];
  const source = applySpecEdits(text, [...edits, ...project]);
  const reading = readRunDocument(source);
  if (reading.spec === null) throw notADocument(file, source, reading);
  const { baseDir, python } = startedFrom(draft.resolved);
  return {
    // The interpreter that the draft was made for, unless its document names one.
    spec: { ...(python !== null && { python }), ...reading.spec },
    source,
    ...(baseDir !== null && { base_dir: baseDir }),
  };
}
