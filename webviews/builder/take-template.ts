/** A document is made to say what a template says. */
import type { JsonObject } from "../../protocol/json.ts";
import type { Template } from "../../protocol/preset.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import { changesTo } from "./form-model.ts";
import { DraftDocument, type RunDocument } from "./run-document.ts";

/**
 * Makes the document say what the template says. A draft becomes the template, with its comments; of a file only what differs changes, so that
 * its own comments stay. Either way it is one step of undo.
 */
export function takeTemplate(document: RunDocument, now: JsonObject, { text }: Template): void {
  if (text === null) return;
  if (document instanceof DraftDocument) document.replace(text);
  else document.edit(documentChanges(now, readRunDocument(text).values ?? {}));
}

/** The name and project that the document has stay where the template has none, and notes (`x-`) stay in any case. */
function documentChanges(now: JsonObject, template: JsonObject): ReturnType<typeof changesTo> {
  const { name, project } = now;
  const kept = Object.entries(now).filter(([key]) => key.startsWith("x-"));
  const base = { ...(name !== undefined && { name }), ...(project !== undefined && { project }) };
  return changesTo(now, { ...base, ...template, ...Object.fromEntries(kept) });
}
