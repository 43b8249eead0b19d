/** The values of a curve: the newest in memory, and old ones in blocks on the disk once the curve is told to let go of them. */
import { Float64Column } from "./columns.ts";
import type { Seekable } from "./pyramid.ts";
import { BLOCK, type SpillFile } from "./spill.ts";

/** Of a column that lets go: two blocks, and what a look at the file brings on top of them. */
const TAIL_CAPACITY = 2 * BLOCK + 512;

export class ValueColumn implements Seekable {
  /** Values from `#first` on. */
  #tail = new Float64Column();
  #first = 0;
  /** Places of the blocks before `#first`. */
  #slots: number[] = [];
  #spill: SpillFile | null = null;
  data: Float64Array = this.#tail.data;
  start = 0;

  get length(): number {
    return this.#first + this.#tail.length;
  }

  /** Values in memory, to be written to directly: index `i - first`. Their number is that of the column less `first`. */
  get tail(): Float64Column {
    return this.#tail;
  }

  get first(): number {
    return this.#first;
  }

  at(index: number): number {
    this.seek(index);
    return this.data[index - this.start]!;
  }

  seek(index: number): void {
    if (index >= this.#first) {
      this.data = this.#tail.data;
      this.start = this.#first;
      return;
    }
    const block = Math.floor(index / BLOCK);
    this.data = this.#spill!.read(this.#slots[block]!);
    this.start = block * BLOCK;
  }

  /** Leaves the newest one to two blocks in memory, as far as the disk takes the others. */
  letGo(spill: SpillFile): void {
    if (this.#tail.length < 2 * BLOCK) return;
    this.#spill = spill;
    const { data, length } = this.#tail;
    let gone = 0;
    while (length - gone >= 2 * BLOCK) {
      const slot = spill.write(data.subarray(gone, gone + BLOCK));
      if (slot === null) break;
      this.#slots.push(slot);
      gone += BLOCK;
    }
    if (gone === 0) return;
    const rest = data.subarray(gone, length);
    // In place, as a rule: a new array for every block of every metric would break the heap into pieces that are never given back.
    if (data.length > TAIL_CAPACITY) {
      this.#tail = new Float64Column();
      this.#tail.reserve(TAIL_CAPACITY);
    }
    this.#tail.data.set(rest);
    this.#tail.length = rest.length;
    this.#first += gone;
    // What was let go must not be held by what was looked at last.
    this.seek(this.#first);
  }

  /** Gives the blocks back; the column is not used any more. */
  release(): void {
    for (const slot of this.#slots) this.#spill?.release(slot);
    this.#slots = [];
  }
}
