/**
 * Where old values of live runs lie: blocks of equal size in a file without a name, which the system removes with the process. A block is
 * written once and never changes. Without room on the disk the values stay in memory.
 */
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import path from "node:path";

/** Values in a block: large enough that reading it costs little more than the call, a multiple of the pyramid's nodes. */
export const BLOCK = 4096;
const BLOCK_BYTES = BLOCK * 8;
/** Blocks kept after they were read again; 4 MiB, which lie in one piece and are used again: blocks that come and go would break the heap into pieces. */
const CACHED = 128;

export class SpillFile {
  readonly #folder: string;
  #file: number | null = null;
  #slots = 0;
  readonly #free: number[] = [];
  /** Blocks by their place; the newest read stands last. */
  readonly #cache = new Map<number, Float64Array>();
  /** Room for blocks that is not in use; null before the first read. */
  #room: Float64Array[] | null = null;

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

  /**
   * @returns the block, until the next call: the room that it lies in is used again
   * @throws Error of the system when the disk does not give back what it took
   */
  read(slot: number): Float64Array {
    const cached = this.#cache.get(slot);
    if (cached !== undefined) {
      this.#cache.delete(slot);
      this.#cache.set(slot, cached);
      return cached;
    }
    if (this.#file === null) throw new Error(`block ${slot} was never written`);
    if (this.#cache.size === CACHED) this.#drop(this.#cache.keys().next().value!);
    this.#room ??= newRoom();
    const values = this.#room.pop()!;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, BLOCK_BYTES);
    try {
      const count = readSync(this.#file, bytes, 0, BLOCK_BYTES, slot * BLOCK_BYTES);
      if (count !== BLOCK_BYTES) throw new Error(`block ${slot} of the spill file is cut short`);
    } catch (error) {
      this.#room.push(values);
      throw error;
    }
    this.#cache.set(slot, values);
    return values;
  }

  release(slot: number): void {
    this.#drop(slot);
    this.#free.push(slot);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#cache.clear();
    this.#room = null;
  }

  #drop(slot: number): void {
    const values = this.#cache.get(slot);
    if (values === undefined) return;
    this.#cache.delete(slot);
    this.#room!.push(values);
  }
}

function newRoom(): Float64Array[] {
  const whole = new ArrayBuffer(CACHED * BLOCK_BYTES);
  return Array.from({ length: CACHED }, (_, i) => new Float64Array(whole, i * BLOCK_BYTES, BLOCK));
}

function openNameless(folder: string): number {
  const file = path.join(folder, `trainyard-points-${process.pid}-${Date.now()}`);
  const opened = openSync(file, "wx+", 0o600);
  rmSync(file);
  return opened;
}
