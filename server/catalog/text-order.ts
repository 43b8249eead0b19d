/** The order of a dictionary's texts: sorted once, and widened by what is added, so that sorting rows compares numbers. */
import type { List } from "./cell-kinds.ts";
import { merged } from "./merged.ts";

type Entry = string | List;

/** Above this share of new entries sorting all of them anew is cheaper than putting each into its place. */
const NEW_SHARE = 8;

export class TextOrder {
  /** Codes in the order of their texts; those below `#sorted.length` are known. */
  #sorted: Int32Array = new Int32Array();
  #ranks: Int32Array = new Int32Array();

  /** Takes over entries that stand in their order already. */
  restore(entries: readonly Entry[]): void {
    this.#sorted = Int32Array.from(entries.keys());
    this.#rank(entries, (before, entry) =>
      typeof before === "string" && typeof entry === "string" ? -1 : compareTexts(shown(before), shown(entry)),
    );
  }

  /** Place of each code; equal for entries that read the same. */
  ranks(entries: readonly Entry[]): Int32Array {
    const known = this.#sorted.length;
    if (known === entries.length) return this.#ranks;
    const folded = new Map<number, string>();
    const foldedOf = (code: number): string => {
      let text = folded.get(code);
      if (text === undefined) folded.set(code, (text = shown(entries[code] ?? "").toLowerCase()));
      return text;
    };
    const compare = (a: number, b: number): number => {
      const [foldedA, foldedB] = [foldedOf(a), foldedOf(b)];
      if (foldedA !== foldedB) return foldedA < foldedB ? -1 : 1;
      const [textA, textB] = [shown(entries[a] ?? ""), shown(entries[b] ?? "")];
      return textA < textB ? -1 : textA > textB ? 1 : a - b;
    };
    const fresh = entries.length - known;
    if (fresh * NEW_SHARE > entries.length) this.#sorted = Int32Array.from(entries.keys()).sort(compare);
    else {
      const added = Array.from({ length: fresh }, (_, i) => known + i).sort(compare);
      this.#sorted = merged(this.#sorted, added, compare);
    }
    this.#rank(entries, (before, entry) => (shown(before) === shown(entry) ? 0 : -1));
    return this.#ranks;
  }

  /** The entries in use, in their order, and the new code of each old one (-1 for those left out). */
  compacted(entries: readonly Entry[], isUsed: (code: number) => boolean): { entries: Entry[]; recoded: Int32Array } {
    this.ranks(entries);
    const recoded = new Int32Array(entries.length).fill(-1);
    const kept: Entry[] = [];
    for (const code of this.#sorted) if (isUsed(code)) recoded[code] = kept.push(entries[code] ?? "") - 1;
    return { entries: kept, recoded };
  }

  #rank(entries: readonly Entry[], compare: (before: Entry, entry: Entry) => number): void {
    this.#ranks = new Int32Array(entries.length);
    let rank = 0;
    for (let at = 0; at < this.#sorted.length; at++) {
      const code = this.#sorted[at] ?? 0;
      if (at > 0 && compare(entries[this.#sorted[at - 1] ?? 0] ?? "", entries[code] ?? "") !== 0) rank++;
      this.#ranks[code] = rank;
    }
  }
}

/** A list reads as its JSON. */
export function shown(value: Entry): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Whatever the case, and by case only where that is all the difference. */
export function compareTexts(a: string, b: string): number {
  const [foldedA, foldedB] = [a.toLowerCase(), b.toLowerCase()];
  if (foldedA !== foldedB) return foldedA < foldedB ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
