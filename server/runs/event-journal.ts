/**
 * The changes that are being written: run.json and the event that tells of it are two files, and a server that is killed between them has lost
 * the event. Each change is noted here before the first file is written and taken out after the second; the next server finds what is left.
 *
 * `events.journal` holds JSON lines, and nothing while nothing is being written. An index like the others of the server's folder: without it
 * a run's state is as right as with it.
 */
import { closeSync, ftruncateSync, readFileSync, writeSync } from "node:fs";
import path from "node:path";
import * as z from "zod";
import { RunEvent } from "../../protocol/events.ts";
import { RunId } from "../../protocol/ids.ts";
import { JsonObject } from "../../protocol/json.ts";
import { RunRecord } from "../../protocol/run.ts";
import { openFileSync } from "../store/open-file.ts";
import type { RunStore } from "../store/types.ts";

const FILE = "events.journal";

const Noted = z.object({
  id: RunId,
  /** Fields of run.json as they become. */
  changes: JsonObject,
  event: RunEvent,
});
type Noted = z.infer<typeof Noted>;

export interface Change {
  readonly changes: Partial<RunRecord>;
  readonly event: RunEvent;
}

export class EventJournal {
  /** null once it is closed: what is changed after that is not noted. */
  #file: number | null;
  /** What an earlier server has left. */
  readonly #left: readonly Noted[];
  #open = 0;

  private constructor(file: number, left: readonly Noted[]) {
    this.#file = file;
    this.#left = left;
  }

  /** @returns null when the folder cannot be written */
  static open(folder: string): EventJournal | null {
    const file = path.join(folder, FILE);
    try {
      const opened = openFileSync(file, "append");
      return new EventJournal(opened, notedIn(readFileSync(opened, "utf8")));
    } catch {
      return null; // A full or read-only disk, or what lies there is no file: changes are written without being noted.
    }
  }

  /** Notes a change that is about to be written. @returns what is called once it is written, or never will be */
  begin(id: RunId, { changes, event }: Change): () => void {
    this.#open++;
    this.#write((file) => writeSync(file, `${JSON.stringify({ id, changes, event })}\n`));
    return () => {
      if (--this.#open === 0) this.#write(ftruncateSync);
    };
  }

  /**
   * Writes the events that an earlier server did not get to, of the changes that are in run.json. To be called before anything changes.
   * @param note told of what cannot be mended
   */
  async finish(store: RunStore, note: (what: string, error: unknown) => void): Promise<void> {
    for (const { id, changes, event } of this.#left) {
      try {
        const { record } = await store.read(id);
        if (!isIn(changes, record)) continue;
        const text = JSON.stringify(event);
        const events = await store.events(id);
        if (!events.some((written) => JSON.stringify(written) === text)) await store.appendEvent(id, event);
      } catch (error) {
        note(`an event of ${id} that an earlier server did not write`, error);
      }
    }
    if (this.#open === 0) this.#write(ftruncateSync);
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  /** Without room on the disk the change itself fails, and says so. */
  #write(write: (file: number) => void): void {
    if (this.#file === null) return;
    try {
      write(this.#file);
    } catch {
      // What stays behind is compared with the files by the next server.
    }
  }
}

/** A line that was cut off tells of a change that had not begun. */
function notedIn(text: string): Noted[] {
  return text.split("\n").flatMap((line) => {
    try {
      return [Noted.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

/** Would the changes change nothing more? */
function isIn(changes: JsonObject, record: RunRecord): boolean {
  return JSON.stringify(RunRecord.parse({ ...record, ...changes })) === JSON.stringify(record);
}
