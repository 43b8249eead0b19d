/**
 * Where old values of live runs lie: blocks of equal size in a file without a name, which the system removes with the process. A block is
 * written once and never changes. Without room on the disk the values stay in memory.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

/** Values in a block: large enough that reading it costs little more than the call, a multiple of the pyramid's nodes. */
export const BLOCK = 4096;
const BLOCK_BYTES = BLOCK * 8;
/** Blocks kept after they were read again; 4 MiB. */
const CACHED = 128;

export class SpillFile {
  readonly #folder: string;
  #file: number | null = null;
  #slots = 0;
  readonly #free: number[] = [];
  /** The newest read stands last. */
  readonly #cache = new Map<number, Float64Array>();

  /** @param folder must exist by the time of the first block */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Blocks that are in use. */
  get blocks(): number {
    return this.#slots - this.#free.length;
  }

  /** @returns the block's place; null when it could not be written */
  write(values: Float64Array): number | null {
    try {
      this.#file ??= openNameless(this.#folder);
      const slot = this.#free.pop() ?? this.#slots++;
      const bytes = new Uint8Array(values.buffer, values.byteOffset, BLOCK_BYTES);
      if (writeSync(this.#file, bytes, 0, BLOCK_BYTES, slot * BLOCK_BYTES) === BLOCK_BYTES) return slot;
      this.release(slot);
      return null;
    } catch {
      return null; // A full disk, a read-only store: the next block is tried again.
    }
  }

  /** @throws Error of the system when the disk does not give back what it took */
  read(slot: number): Float64Array {
    const cached = this.#cache.get(slot);
    if (cached !== undefined) {
      this.#cache.delete(slot);
      this.#cache.set(slot, cached);
      return cached;
    }
    if (this.#file === null) throw new Error(`block ${slot} was never written`);
    const values = new Float64Array(BLOCK);
    const count = readSync(this.#file, new Uint8Array(values.buffer), 0, BLOCK_BYTES, slot * BLOCK_BYTES);
    if (count !== BLOCK_BYTES) throw new Error(`block ${slot} of the spill file is cut short`);
    this.#cache.set(slot, values);
    if (this.#cache.size > CACHED) this.#cache.delete(this.#cache.keys().next().value!);
    return values;
  }

  release(slot: number): void {
    this.#cache.delete(slot);
    this.#free.push(slot);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#cache.clear();
  }
}

function openNameless(folder: string): number {
  const file = path.join(folder, `trainyard-points-${process.pid}-${Date.now()}`);
  const opened = openSync(file, "wx+", 0o600);
  rmSync(file);
  return opened;
}
