/** The document that the builder edits, whoever keeps it: this page alone, or the editor in a file. The page knows no difference. */
import { applySpecEdits, type SpecEdit } from "../../protocol/run-document/edit.ts";
import type { ToWebview } from "../../protocol/webview.ts";

export interface RunDocument {
  /** `draft`: in this page alone until it is saved or started. */
  readonly kind: "draft" | "file";
  /** null until it is known. */
  readonly text: string | null;
  /** Are there changes that its file does not have? Always so for a draft. */
  readonly dirty: boolean;
  /** @param typing more may follow at once: what is typed into one field is one step of undo */
  edit(edits: readonly SpecEdit[], typing?: boolean): void;
  /** Lets nothing wait that was typed. */
  flush(): void;
  onChange(listener: () => void): () => void;
}

const PAUSE_MS = 300;

/** Calls its listeners in turn; both kinds of document are built on it. */
class Changes {
  readonly #listeners = new Set<() => void>();

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export class DraftDocument implements RunDocument {
  readonly kind = "draft";
  readonly dirty = true;
  readonly #changes = new Changes();
  readonly #keep: (text: string) => void;
  #text: string | null;
  #past: string[] = [];
  #future: string[] = [];
  /** The field whose typing the newest step of undo holds. */
  #typing: string | null = null;

  /** @param text null for one that the page is to begin @param keep is given each new text, for a page that is restored */
  constructor(text: string | null, keep: (text: string) => void) {
    this.#text = text;
    this.#keep = keep;
  }

  get text(): string | null {
    return this.#text;
  }

  /** Begins it; nothing before can be undone. */
  begin(text: string): void {
    this.#past = [];
    this.#future = [];
    this.#set(text);
  }

  edit(edits: readonly SpecEdit[], typing = false): void {
    const before = this.#text ?? "";
    const after = applySpecEdits(before, edits);
    if (after === before) return;
    this.#step(after, typing ? JSON.stringify(edits.map((edit) => edit.path)) : null);
  }

  /** Another text in the place of this one; a step of undo leads back. */
  replace(text: string): void {
    if (text !== this.#text) this.#step(text, null);
  }

  /** @param field the one that is typed into */
  #step(after: string, field: string | null): void {
    if (field === null || field !== this.#typing) this.#past.push(this.#text ?? "");
    this.#typing = field;
    this.#future = [];
    this.#set(after);
  }

  undo(): void {
    const before = this.#past.pop();
    if (before === undefined || this.#text === null) return;
    this.#future.push(this.#text);
    this.#typing = null;
    this.#set(before);
  }

  redo(): void {
    const after = this.#future.pop();
    if (after === undefined || this.#text === null) return;
    this.#past.push(this.#text);
    this.#typing = null;
    this.#set(after);
  }

  flush(): void {
    this.#typing = null;
  }

  onChange(listener: () => void): () => void {
    return this.#changes.listen(listener);
  }

  #set(text: string): void {
    this.#text = text;
    this.#keep(text);
    this.#changes.tell();
  }
}

/**
 * A document of the editor. Edits show here at once and go to the editor in their order; what comes back says which of them it holds, and the
 * others are laid over it again. So typing is never overtaken by an older text, and what changed elsewhere (undo, git, the text editor) comes in.
 */
export class FileDocument implements RunDocument {
  readonly kind = "file";
  readonly #changes = new Changes();
  readonly #send: (sequence: number, edits: readonly SpecEdit[]) => void;
  #base: string | null = null;
  #dirty = false;
  #sent: { readonly sequence: number; readonly edits: readonly SpecEdit[] }[] = [];
  #waiting: readonly SpecEdit[] = [];
  #sequence = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #text: string | null = null;

  constructor(send: (sequence: number, edits: readonly SpecEdit[]) => void) {
    this.#send = send;
  }

  get text(): string | null {
    return this.#text;
  }

  get dirty(): boolean {
    return this.#dirty || this.#sent.length > 0 || this.#waiting.length > 0;
  }

  edit(edits: readonly SpecEdit[], typing = false): void {
    const same = JSON.stringify(this.#waiting.map((edit) => edit.path)) === JSON.stringify(edits.map((edit) => edit.path));
    if (!same) this.flush();
    this.#waiting = edits;
    clearTimeout(this.#timer);
    if (typing)
      this.#timer = setTimeout(() => {
        this.flush();
      }, PAUSE_MS);
    else this.flush();
    this.#draw();
  }

  flush(): void {
    clearTimeout(this.#timer);
    if (this.#waiting.length === 0) return;
    const sequence = ++this.#sequence;
    this.#sent.push({ sequence, edits: this.#waiting });
    this.#send(sequence, this.#waiting);
    this.#waiting = [];
  }

  receive({ text, applied, dirty }: Extract<ToWebview, { type: "document" }>): void {
    this.#base = text;
    this.#dirty = dirty;
    this.#sent = this.#sent.filter(({ sequence }) => sequence > applied);
    this.#draw();
  }

  onChange(listener: () => void): () => void {
    return this.#changes.listen(listener);
  }

  #draw(): void {
    const edits = [...this.#sent.flatMap((each) => each.edits), ...this.#waiting];
    this.#text = this.#base === null ? null : laidOver(this.#base, edits);
    this.#changes.tell();
  }
}

/** A text that was broken meanwhile takes no edits: it is shown as it is. */
function laidOver(text: string, edits: readonly SpecEdit[]): string {
  try {
    return applySpecEdits(text, edits);
  } catch {
    return text;
  }
}
