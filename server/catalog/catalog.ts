/**
 * The catalogue as the other rooms see it: changes are gathered and handed to the worker, questions wait for its answer. A worker that nobody
 * asks ends and leaves its memory; the next question starts another one from the snapshot.
 */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import { RECORD_FIELD_NAMES } from "./cells.ts";
import type { KeeperOptions } from "./keeper.ts";
import type {
  AnswerTo,
  Catalog,
  CatalogPage,
  CatalogQuery,
  CatalogRequest,
  DerivedDefinitions,
  Operation,
  QueryOf,
  Question,
  RunSource,
  RunState,
} from "./types.ts";
import type { NumberedReply, NumberedRequest } from "./worker.ts";

export interface CatalogOptions {
  /** Snapshot file; null keeps the index in memory alone. */
  readonly snapshot: string | null;
  /** The bundled worker beside its sql-wasm.wasm. null carries the requests out in this thread, for sources that are not bundled. */
  readonly workerFile: string | null;
  /** Folder of sql-wasm.wasm where it does not lie beside the worker. */
  readonly wasmFolder?: string;
  readonly runs: RunSource;
  /** A worker that was asked nothing for so long ends, if there is a snapshot to begin from again. Default: 30 s. */
  readonly idleMs?: number;
}

/** How long changes are gathered before they go to the worker. A question sends them off at once. */
const GATHER_MS = 200;
/** Runs in one message: neither thread is held up for long. */
const BATCH = 250;
const IDLE_MS = 30_000;
/**
 * MB that the worker's young generation may take: V8 would let it grow to 48 and keep that. Collections come oftener and are as much
 * shorter.
 */
const YOUNG_MB = 3;

type Answer = AnswerTo<Operation>;
interface Carrier {
  /** Settles once its thread has begun, or has ended without. */
  readonly running: Promise<void>;
  readonly failed: boolean;
  send(request: CatalogRequest): Promise<Answer>;
  end(): Promise<void>;
}

export function createCatalog(options: CatalogOptions): Catalog {
  return new WorkerCatalog(options);
}

class WorkerCatalog implements Catalog {
  readonly #options: CatalogOptions;
  /** Changed or removed since they were last sent: what they are now is looked up when they go out. */
  readonly #waiting = new Set<RunId>();
  #carrier: Carrier | null = null;
  /** Settles when the worker holds the runs as they were when it was started. */
  #synced: Promise<Carrier> | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #gathering: NodeJS.Timeout | null = null;
  #idle: NodeJS.Timeout | null = null;
  #closed = false;
  /** null until they were told: the snapshot holds those of the last server. */
  #definitions: DerivedDefinitions | null = null;

  constructor(options: CatalogOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#carrier ??= this.#newCarrier();
    return this.#carrier.running;
  }

  async sync(): Promise<void> {
    if (this.#closed) return;
    const carrier = await this.#ready();
    await this.#send(carrier);
    this.#restUntilIdle();
  }

  changed(id: RunId): void {
    this.#waiting.add(id);
    // Without a worker they wait for the next question: that one starts it.
    if (this.#carrier !== null && !this.#closed) this.#gathering ??= setTimeout(() => void this.#gathered(), GATHER_MS);
  }

  async list(query: CatalogQuery): Promise<CatalogPage> {
    checkSort(query.sort);
    return (await this.#question({ op: "list", query })) as AnswerTo<"list">;
  }

  async define(definitions: DerivedDefinitions): Promise<void> {
    this.#definitions = definitions;
    await this.#question({ op: "define", definitions });
  }

  async ask<O extends Question>(op: O, query: QueryOf<O>): Promise<AnswerTo<O>> {
    // The worker answers in the shape of the operation; the compiler cannot follow that through the union of all of them.
    return (await this.#question({ op, query } as CatalogRequest)) as AnswerTo<O>;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#gathering !== null) clearTimeout(this.#gathering);
    // One that was never told which runs there are has nothing to save.
    if (this.#synced === null) await this.#carrier?.end();
    else if (this.#carrier !== null) {
      await this.#send(this.#carrier).catch(() => undefined);
      this.#end();
    }
    await this.#ended;
  }

  async #question(request: CatalogRequest): Promise<Answer> {
    const carrier = await this.#ready();
    await this.#send(carrier);
    this.#restUntilIdle();
    return carrier.send(request);
  }

  async #ready(): Promise<Carrier> {
    if (this.#carrier?.failed === true) this.#synced = null;
    this.#synced ??= this.#start().catch((error: unknown) => {
      this.#synced = null;
      throw error;
    });
    return this.#synced;
  }

  async #start(): Promise<Carrier> {
    await this.#ended;
    const { runs } = this.#options;
    const carrier = this.#carrier?.failed === false ? this.#carrier : this.#newCarrier();
    this.#carrier = carrier;
    const ids: RunId[] = [];
    const stamps: string[] = [];
    for (const [id, stamp] of runs.stamps()) {
      ids.push(id);
      stamps.push(stamp);
    }
    for (const id of (await carrier.send({ op: "compare", ids, stamps })) as AnswerTo<"compare">) this.#waiting.add(id);
    await this.#send(carrier);
    if (this.#definitions !== null) await carrier.send({ op: "define", definitions: this.#definitions });
    this.#restUntilIdle();
    return carrier;
  }

  #newCarrier(): Carrier {
    const { workerFile } = this.#options;
    return workerFile === null ? inThread(this.#options) : inWorker(workerFile, this.#options);
  }

  async #gathered(): Promise<void> {
    this.#gathering = null;
    if (this.#synced === null) return;
    try {
      await this.#send(await this.#synced);
    } catch {
      // It shows again, with its reason, in the next question: a worker that is down answers none.
    }
  }

  /** Hands on what waits. A question that is sent afterwards sees all of it. */
  async #send(carrier: Carrier): Promise<void> {
    while (this.#waiting.size > 0) {
      const upserts: RunState[] = [];
      const removed: RunId[] = [];
      for (const id of this.#waiting) {
        this.#waiting.delete(id);
        const state = this.#options.runs.state(id);
        if (state === undefined) removed.push(id);
        else upserts.push(state);
        if (upserts.length + removed.length >= BATCH) break;
      }
      await carrier.send({ op: "change", upserts, removed });
    }
  }

  #restUntilIdle(): void {
    if (this.#options.snapshot === null || this.#closed) return;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      if (this.#carrier !== null) this.#end();
    }, this.#options.idleMs ?? IDLE_MS);
    this.#idle.unref();
  }

  /** Ends the worker once it has done what was asked of it and saved its snapshot. */
  #end(): void {
    const carrier = this.#carrier;
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#carrier = null;
    this.#synced = null;
    if (carrier !== null)
      this.#ended = carrier
        .send({ op: "close" })
        .catch(() => undefined)
        .then(() => carrier.end());
  }
}

/** @throws TrainyardError bad_request */
function checkSort(sort: string): void {
  const field = sort.replace(/^-/, "");
  if (/^(params|metrics|derived|record)\../.test(field) || RECORD_FIELD_NAMES.includes(`record.${field}`)) return;
  const names = RECORD_FIELD_NAMES.map((name) => name.slice("record.".length));
  throw new TrainyardError(
    "bad_request",
    `runs cannot be sorted by "${field}"`,
    `Sort by one of ${names.join(", ")}, params.<key> or metrics.<key>.`,
  );
}

function inWorker(file: string, options: CatalogOptions): Carrier {
  const workerData: KeeperOptions = { wasmFolder: options.wasmFolder ?? path.dirname(file), snapshot: options.snapshot };
  const worker = new Worker(file, { workerData, name: "trainyard-catalog", resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
  const running = new Promise<void>((resolve) => {
    worker.once("online", resolve).once("exit", resolve);
  });
  let numbers = 0;
  let failure: Error | null = null;

  const fail = (error: Error): void => {
    failure ??= error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("error", (error) => {
    fail(error instanceof Error ? error : new Error(String(error)));
  });
  worker.on("exit", (code) => {
    fail(new Error(`the catalogue's worker ended with code ${code}`));
  });
  worker.on("message", (reply: NumberedReply) => {
    const waiter = waiting.get(reply.number);
    waiting.delete(reply.number);
    if ("error" in reply) waiter?.reject(new Error(reply.error));
    else if ("refused" in reply) waiter?.reject(TrainyardError.fromApi(reply.refused));
    else waiter?.resolve(reply.answer);
  });
  return {
    running,
    get failed() {
      return failure !== null;
    },
    async send(request) {
      if (failure !== null) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        const message: NumberedRequest = { number: ++numbers, request };
        waiting.set(message.number, { resolve, reject });
        worker.postMessage(message);
      });
    },
    async end() {
      await worker.terminate();
    },
  };
}

function inThread(options: CatalogOptions): Carrier {
  const keeper = import("./keeper.ts").then(({ IndexKeeper }) =>
    IndexKeeper.open({ wasmFolder: options.wasmFolder ?? process.cwd(), snapshot: options.snapshot }),
  );
  let last: Promise<unknown> = Promise.resolve();
  return {
    running: Promise.resolve(),
    failed: false,
    async send(request) {
      const done = last.then(async () => (await keeper).carryOut(request));
      last = done.catch(() => undefined);
      return done;
    },
    end: () => Promise.resolve(),
  };
}
