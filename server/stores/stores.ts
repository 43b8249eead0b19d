/**
 * Stores whose runs are shown together: the server's own, which it alone changes, and others that it only reads. Which ones stands in
 * `<store>/stores.json`; adding and removing one touches nothing in it.
 */
import path from "node:path";
import { RUN_FOLDER_VERSION } from "../../protocol/constants.ts";
import { TrainyardError, type Problem } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import {
  StoresFile,
  type AddedStores,
  type AddStores,
  type FoundStores,
  type OtherStoreRecord,
  type StoreList,
  type StoreStatus,
} from "../../protocol/stores.ts";
import type { Runs } from "../runs/types.ts";
import { writeJsonAtomic } from "../store/atomic.ts";
import { readJsonFile } from "../store/json-file.ts";
import { KeyedQueue } from "../store/keyed-queue.ts";
import { openToRead } from "../store/open-root.ts";
import { STORES_FILE } from "../store/paths.ts";
import { mustWrite, storeAt } from "../store/store.ts";
import type { RunStore } from "../store/types.ts";
import { AllRuns } from "./all-runs.ts";
import { storeName } from "./names.ts";
import { OtherStore, type OtherStoreHost } from "./other-store.ts";
import { searchStores } from "./search.ts";

export interface StoresOptions {
  /** The server's own store, and its runs. */
  readonly store: RunStore;
  readonly runs: Runs;
  /** The runs of another store, not yet read. */
  readonly openRuns: (store: RunStore) => Runs;
  /** Told of each run of a store that comes: it is to be found in lists from now on. */
  readonly indexed: (id: RunId) => void;
  readonly log: (text: string) => void;
  /** How often it is looked whether the others are there, ms. */
  readonly lookMs?: number;
}

const LOOK_MS = 2000;
const MOST_STORES = 50;

export class Stores {
  /** The runs of all of them. */
  readonly runs: AllRuns;
  readonly #options: StoresOptions;
  readonly #file: string;
  readonly #ownName: string;
  readonly #host: OtherStoreHost;
  readonly #queue = new KeyedQueue();
  #others: readonly OtherStore[] = [];
  /** Why stores.json cannot be used; it is then left as it is. */
  #damage: TrainyardError | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(options: StoresOptions) {
    const { store, runs, openRuns, indexed, log } = options;
    this.#options = options;
    this.#file = path.join(store.root, STORES_FILE);
    this.#ownName = storeName(store.root, new Set());
    this.runs = new AllRuns({ origin: { name: this.#ownName, path: store.root, own: true }, store, runs });
    this.#host = {
      openRuns,
      log,
      joined: (room) => {
        this.runs.join(room, indexed);
      },
      left: (room) => {
        this.runs.leave(room);
      },
    };
  }

  /** Reads which stores there are and begins to open them; nobody needs to wait for that. */
  async start(): Promise<void> {
    await this.#queue.run("file", () => this.#read());
    this.#lookSoon();
  }

  storeOf = (id: RunId): RunStore => this.runs.storeOf(id);

  list(): StoreList {
    const { store, runs } = this.#options;
    const own: StoreStatus = {
      name: this.#ownName,
      path: store.root,
      own: true,
      state: "open",
      problem: null,
      runs: runs.size,
      live_runs: runs.liveCount(),
      duplicates: 0,
      added_at: null,
    };
    const problems = this.#damage === null ? [] : [problemOf(this.#damage.message, this.#damage.hint)];
    return { stores: [own, ...this.#others.map((one) => this.#status(one))], problems };
  }

  async search(folder: string): Promise<FoundStores> {
    const found = await searchStores(folder);
    const stores = await Promise.all(
      found.stores.map(async (root) => {
        const known = this.#nameOf(root);
        const store = storeAt(await openToRead(root));
        const runs = await store.folders().finally(() => {
          store.close();
        });
        return { path: root, name: known ?? storeName(root, this.#names()), runs: runs.length, added: known !== null };
      }),
    );
    return { folder: found.folder, stores, folders: found.folders, truncated: found.truncated, problems: [...found.problems] };
  }

  /**
   * Adds the store at a path, or all stores up to two levels below it.
   * @throws TrainyardError not_found (no store there) | conflict (shown already, name taken, too many) | bad_request | corrupt_record
   */
  async add({ path: folder, name }: AddStores): Promise<AddedStores> {
    return this.#queue.run("file", async () => {
      this.#mustChange();
      const found = await searchStores(folder);
      if (found.stores.length === 0)
        throw new TrainyardError(
          "not_found",
          `there is no store in ${found.folder}, nor up to two levels below it`,
          "A store is a folder with a store.json or with runs in it: the .trainyard folder of a workspace, for one.",
        );
      const known = found.stores.filter((root) => this.#nameOf(root) !== null);
      const fresh = found.stores.filter((root) => this.#nameOf(root) === null);
      const single = found.stores[0] === found.folder;
      if (single && fresh.length === 0)
        throw new TrainyardError("conflict", `the store ${found.folder} is shown already, as ${this.#nameOf(found.folder) ?? ""}`, null);
      if (name !== undefined && fresh.length > 1)
        throw new TrainyardError("bad_request", `name: ${fresh.length} stores lie in ${found.folder}`, "Add them one by one to name them.");
      if (this.#others.length + fresh.length > MOST_STORES)
        throw new TrainyardError("conflict", `${MOST_STORES} stores can be shown at most`, "Remove some, or name a folder with fewer.");
      const added = this.#newStores(fresh, name);
      await this.#write([...this.#others, ...added]);
      await Promise.all(added.map((one) => one.look()));
      return { added: added.map((one) => this.#status(one)), known, problems: [...found.problems] };
    });
  }

  /** @throws TrainyardError not_found | conflict (its own) | corrupt_record */
  async remove(name: string): Promise<void> {
    return this.#queue.run("file", async () => {
      this.#mustChange();
      if (name === this.#ownName)
        throw new TrainyardError("conflict", `${name} is the server's own store`, "Open another folder to look at other runs.");
      const gone = this.#others.find(({ record }) => record.name === name);
      if (gone === undefined) throw new TrainyardError("not_found", `there is no store ${name}`, "GET /api/stores lists them.");
      await this.#write(this.#others.filter((one) => one !== gone));
      await gone.close();
    });
  }

  /** Reads stores.json again, looks at each store, and scans all of them. */
  async refresh(): ReturnType<Runs["refresh"]> {
    await this.#queue.run("file", () => this.#read());
    await Promise.all(this.#others.map((one) => one.look()));
    const { runs, problems } = await this.runs.refresh();
    const away = this.#others.flatMap(({ problem, record }) => (problem === null ? [] : [problemOf(`${record.name}: ${problem}`, null)]));
    return { runs, problems: [...this.list().problems, ...away, ...problems] };
  }

  /** Lets go of the other stores; the server's own is not closed here. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#queue.run("file", () => Promise.all(this.#others.map((one) => one.close())));
  }

  #status({ record, room, problem }: OtherStore): StoreStatus {
    return {
      ...record,
      own: false,
      state: room !== null ? "open" : problem === null ? "opening" : "unavailable",
      problem,
      runs: room?.runs.size ?? 0,
      live_runs: room?.runs.liveCount() ?? 0,
      duplicates: room === null ? 0 : this.runs.duplicates(room),
    };
  }

  #newStores(roots: readonly string[], name: string | undefined): OtherStore[] {
    const taken = this.#names();
    if (name !== undefined && taken.has(name))
      throw new TrainyardError("conflict", `name: there is a store ${name} already`, "Choose another name.");
    return roots.map((root) => {
      const record: OtherStoreRecord = { name: name ?? storeName(root, taken), path: root, added_at: new Date().toISOString() };
      taken.add(record.name);
      return new OtherStore(record, this.#host);
    });
  }

  #names(): Set<string> {
    return new Set([this.#ownName, ...this.#others.map(({ record }) => record.name)]);
  }

  #nameOf(root: string): string | null {
    if (root === this.#options.store.root) return this.#ownName;
    return this.#others.find(({ record, room }) => record.path === root || room?.store.root === root)?.record.name ?? null;
  }

  /** @throws TrainyardError store_unwritable | corrupt_record */
  #mustChange(): void {
    mustWrite(this.#options.store);
    if (this.#damage !== null) throw this.#damage;
  }

  async #write(others: readonly OtherStore[]): Promise<void> {
    const stores = others.map(({ record }) => record);
    await writeJsonAtomic(this.#file, { version: RUN_FOLDER_VERSION, stores } satisfies StoresFile);
    this.#others = others;
  }

  /** What stands in the file counts: somebody may have edited it. */
  async #read(): Promise<void> {
    let records: readonly OtherStoreRecord[];
    try {
      records = distinct((await readJsonFile(this.#file, StoresFile))?.stores ?? [], this.#ownName);
      this.#damage = null;
    } catch (error) {
      this.#damage = error instanceof TrainyardError ? error : new TrainyardError("corrupt_record", String(error));
      this.#options.log(`other stores are shown as before: ${this.#damage.message}`);
      return;
    }
    const same = (one: OtherStore, record: OtherStoreRecord): boolean => JSON.stringify(one.record) === JSON.stringify(record);
    const gone = this.#others.filter((one) => !records.some((record) => same(one, record)));
    this.#others = records.map((record) => this.#others.find((one) => same(one, record)) ?? new OtherStore(record, this.#host));
    await Promise.all(gone.map((one) => one.close()));
  }

  #lookSoon(wait = 0): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void Promise.all(this.#others.map((one) => one.look())).finally(() => {
        this.#lookSoon(this.#options.lookMs ?? LOOK_MS);
      });
    }, wait);
    this.#timer.unref();
  }
}

/** A file that was edited may name one twice: the first counts. */
function distinct(records: readonly OtherStoreRecord[], ownName: string): OtherStoreRecord[] {
  const names = new Set([ownName]);
  const paths = new Set<string>();
  return records.filter(({ name, path: place }) => {
    if (names.has(name) || paths.has(place)) return false;
    names.add(name);
    paths.add(place);
    return true;
  });
}

function problemOf(message: string, hint: string | null): Problem {
  return { severity: "warning", field: "", message, hint };
}
