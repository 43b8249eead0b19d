/** The document behind the form: steps of undo in a draft, and a file that changes on both sides at once. */
import { describe, expect, it, vi } from "vitest";
import { applySpecEdits, type SpecEdit } from "../../protocol/run-document/edit.ts";
import { DraftDocument, FileDocument } from "../../webviews/builder/run-document.ts";

const name = (value: string): SpecEdit[] => [{ path: ["name"], value }];

describe("a draft", () => {
  it("takes what is typed into one field back in one step", () => {
    const kept: string[] = [];
    const draft = new DraftDocument(null, (text) => kept.push(text));
    draft.begin("recipe: x\n");
    for (const text of ["a", "ab", "abc"]) draft.edit(name(text), true);
    draft.edit([{ path: ["preset"], value: "big" }]);
    expect(draft.text).toBe("name: abc\nrecipe: x\npreset: big\n");
    draft.undo();
    expect(draft.text).toBe("name: abc\nrecipe: x\n");
    draft.undo();
    draft.undo();
    expect(draft.text).toBe("recipe: x\n");
    draft.redo();
    expect(draft.text).toBe("name: abc\nrecipe: x\n");
    draft.edit(name("z"));
    draft.redo();
    expect(draft.text).toContain("name: z");
    expect(kept.at(-1)).toBe(draft.text);
  });
});

/** The editor's side: a text that edits reach in their order, late. */
class Editor {
  text = "# mine\nrecipe: x\n";
  applied = 0;
  readonly queue: { sequence: number; edits: readonly SpecEdit[] }[] = [];
  readonly document = new FileDocument((sequence, edits) => this.queue.push({ sequence, edits }));

  show(): void {
    this.document.receive({ type: "document", text: this.text, applied: this.applied, dirty: true });
  }

  take(): void {
    const next = this.queue.shift();
    if (next === undefined) return;
    this.text = applySpecEdits(this.text, next.edits);
    this.applied = next.sequence;
    this.show();
  }
}

describe("a document of the editor", () => {
  it("shows an edit at once, and is not set back by an older text", () => {
    const editor = new Editor();
    editor.show();
    editor.document.edit(name("a"));
    editor.document.edit(name("ab"));
    expect(editor.document.text).toContain("name: ab");
    editor.take();
    expect(editor.document.text).toContain("name: ab");
    // Somebody typed into the text meanwhile.
    editor.text = `${editor.text}seed: 7\n`;
    editor.show();
    expect(editor.document.text).toContain("name: ab");
    expect(editor.document.text).toContain("seed: 7");
    editor.take();
    expect(editor.text).toBe("# mine\nname: ab\nrecipe: x\nseed: 7\n");
    expect(editor.document.text).toBe(editor.text);
  });

  it("sends what is typed when typing pauses, or before something else happens", () => {
    vi.useFakeTimers();
    const editor = new Editor();
    editor.show();
    editor.document.edit(name("a"), true);
    editor.document.edit(name("ab"), true);
    expect(editor.queue).toHaveLength(0);
    expect(editor.document.dirty).toBe(true);
    vi.runAllTimers();
    expect(editor.queue.map(({ edits }) => edits)).toEqual([name("ab")]);
    editor.document.edit(name("abc"), true);
    editor.document.edit([{ path: ["seed"], value: 1 }]);
    expect(editor.queue.slice(1).map(({ edits }) => edits)).toEqual([name("abc"), [{ path: ["seed"], value: 1 }]]);
    vi.useRealTimers();
  });

  it("shows a text that was broken as it is, and loses no character of it", () => {
    const editor = new Editor();
    editor.show();
    editor.document.edit(name("a"));
    editor.text = "recipe: [x\n# half";
    editor.show();
    expect(editor.document.text).toBe("recipe: [x\n# half");
  });
});
