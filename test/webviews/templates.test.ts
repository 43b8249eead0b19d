/** Starting a document from a template: a draft becomes it, a file changes only where it differs. */
import { expect, it } from "vitest";
import type { Template } from "../../protocol/preset.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import { applySpecEdits } from "../../protocol/run-document/edit.ts";
import { readRunDocument } from "../../protocol/run-document/read.ts";
import { DraftDocument, FileDocument } from "../../webviews/builder/run-document.ts";
import { takeTemplate } from "../../webviews/builder/take-template.ts";

const template = (text: string | null): Template => ({ name: "t", file: "/t.run.yaml", text, problem: null, line: null });

const FILE = `# mine
name: kept
x-note: mine too
recipe: hf-lora
params:
  train_file: data.jsonl # the data
  epochs: 3 # enough
  rank: 8
env: { A: "1" }
`;
const WIDE = `# of the template
recipe: hf-lora
preset: wide
params:
  train_file: data.jsonl
  epochs: 5
sweep:
  method: grid
  params: { seed: [1, 2] }
`;

it("changes only what differs in a file, in one step, and keeps its comments, name and notes", () => {
  const sent: (readonly SpecEdit[])[] = [];
  const document = new FileDocument((_, edits) => sent.push(edits));
  document.receive({ type: "document", text: FILE, applied: 0, dirty: false });
  takeTemplate(document, readRunDocument(FILE).values ?? {}, template(WIDE));
  expect(sent).toHaveLength(1);
  const text = applySpecEdits(FILE, sent[0] ?? []);
  expect(text).toBe(document.text);
  for (const line of ["# mine", "name: kept", "x-note: mine too", "  train_file: data.jsonl # the data", "  epochs: 5 # enough"])
    expect(text.split("\n")).toContain(line);
  expect(readRunDocument(text).values).toEqual({ name: "kept", "x-note": "mine too", ...readRunDocument(WIDE).values });
});

it("takes out of a file all that the template does not say", () => {
  const document = new FileDocument(() => undefined);
  document.receive({ type: "document", text: FILE, applied: 0, dirty: false });
  takeTemplate(document, readRunDocument(FILE).values ?? {}, template("recipe: script\n"));
  expect(readRunDocument(document.text ?? "").values).toEqual({ name: "kept", "x-note": "mine too", recipe: "script" });
});

it("gives a draft the template as it is, and undo leads back", () => {
  const document = new DraftDocument(FILE, () => undefined);
  takeTemplate(document, readRunDocument(FILE).values ?? {}, template(WIDE));
  expect(document.text).toBe(WIDE);
  document.undo();
  expect(document.text).toBe(FILE);
  takeTemplate(document, {}, template(null));
  expect(document.text).toBe(FILE);
});
