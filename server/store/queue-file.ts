/** queue.json of the store: how the queue goes, and in which order people want it. */
import path from "node:path";
import { RUN_FOLDER_VERSION } from "../../protocol/constants.ts";
import { QueueFile } from "../../protocol/queue.ts";
import { writeJsonAtomic } from "./atomic.ts";
import { readJsonFile } from "./json-file.ts";
import { KeyedQueue } from "./keyed-queue.ts";
import { QUEUE_FILE } from "./paths.ts";
import type { QueueDocument } from "./types.ts";

const DEFAULTS: QueueFile = { version: RUN_FOLDER_VERSION, concurrency: 1, paused_at: null, wait_for_gpus: false, order: [] };

export class StoredQueue implements QueueDocument {
  readonly #file: string;
  readonly #changes = new KeyedQueue();

  /** @param root of the store */
  constructor(root: string) {
    this.#file = path.join(root, QUEUE_FILE);
  }

  async read(): Promise<QueueFile> {
    return (await readJsonFile(this.#file, QueueFile)) ?? DEFAULTS;
  }

  async change(change: (now: QueueFile) => QueueFile): Promise<QueueFile> {
    return this.#changes.run("", async () => {
      const before = await this.read();
      const after = QueueFile.parse(change(before));
      if (JSON.stringify(after) !== JSON.stringify(before)) await writeJsonAtomic(this.#file, after);
      return after;
    });
  }
}
