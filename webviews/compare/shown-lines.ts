/** Which lines of a comparison are shown, and which of them stands out. */
import { Observable } from "../transport/observable.ts";
import type { Entry } from "./entries.ts";

export class ShownLines {
  /** The line that is pointed at, else the pinned one, where it is shown: for one that is not, the others would step back for nothing. */
  readonly highlight = new Observable<string | null>(null);
  readonly #entries: () => readonly Entry[];
  readonly #onChange: () => void;
  readonly #hidden = new Set<string>();
  #pointed: string | null = null;
  #pinned: string | null = null;

  constructor(entries: () => readonly Entry[], onChange: () => void) {
    this.#entries = entries;
    this.#onChange = onChange;
  }

  get shown(): readonly Entry[] {
    return this.#entries().filter((entry) => !this.#hidden.has(entry.id));
  }

  isHidden(id: string): boolean {
    return this.#hidden.has(id);
  }

  toggleHidden(id: string): void {
    if (!this.#hidden.delete(id)) this.#hidden.add(id);
    this.#changed();
  }

  /** Shows this one alone; all again when it is alone already. */
  showOnly(id: string): void {
    const others = this.#entries()
      .map((entry) => entry.id)
      .filter((each) => each !== id);
    const alone = !this.#hidden.has(id) && others.every((each) => this.#hidden.has(each));
    this.#hidden.clear();
    if (!alone) for (const each of others) this.#hidden.add(each);
    this.#changed();
  }

  isPinned(id: string): boolean {
    return this.#pinned === id;
  }

  /** Lets a line stand out for longer than one points at it; at a second time no longer. */
  togglePinned(id: string): void {
    this.#pinned = this.#pinned === id ? null : id;
    this.#changed();
  }

  pointAt(id: string | null): void {
    this.#pointed = id;
    this.emphasise();
  }

  /** To be called when the lines are others. */
  emphasise(): void {
    const shown = new Set(this.shown.map((entry) => entry.id));
    this.highlight.set([this.#pointed, this.#pinned].find((id) => id !== null && shown.has(id)) ?? null);
  }

  #changed(): void {
    this.emphasise();
    this.#onChange();
  }
}
