/** The catalogue as the other rooms see it: changes are gathered and handed to the worker, questions wait for its answer. */
import path from "node:path";
import { Worker } from "node:worker_threads";
import { TrainyardError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { RunSummary } from "../../protocol/run.ts";
import { RECORD_FIELDS } from "./entry.ts";
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
} from "./types.ts";
import type { NumberedReply, NumberedRequest } from "./worker.ts";

export interface CatalogOptions {
  /** Snapshot file; null keeps the index in memory alone. */
  readonly snapshot: string | null;
  /** The bundled worker beside its sql-wasm.wasm. null carries the requests out in this thread, for sources that are not bundled. */
  readonly workerFile: string | null;
  /** Folder of sql-wasm.wasm where it does not lie beside the worker. */
  readonly wasmFolder?: string;
  /** All runs: a worker that died is replaced, and its index filled again from here. */
  readonly runs: () => readonly RunSummary[];
}

/** How long changes are gathered before they go to the worker. A question sends them off at once. */
const GATHER_MS = 200;

type Answer = AnswerTo<Operation>;
interface Carrier {
  readonly failed: boolean;
  send(request: CatalogRequest): Promise<Answer>;
  end(): Promise<void>;
}

export function createCatalog(options: CatalogOptions): Catalog {
  const upserts = new Map<RunId, RunSummary>();
  const removed = new Set<RunId>();
  let timer: NodeJS.Timeout | null = null;
  let carrier: Carrier | null = null;
  let closed = false;
  let defined: DerivedDefinitions = {};

  // Started with the first request, not with the server: loading it would delay the server's start.
  function send(request: CatalogRequest): Promise<Answer> {
    const lost = carrier?.failed ?? false;
    if (carrier === null || lost) carrier = options.workerFile === null ? inThread(options) : inWorker(options.workerFile, options);
    if (lost) {
      void carrier.send({ op: "sync", runs: options.runs() }).catch(() => undefined);
      void carrier.send({ op: "define", definitions: defined }).catch(() => undefined);
    }
    return carrier.send(request);
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (upserts.size === 0 && removed.size === 0) return;
    const request: CatalogRequest = { op: "change", upserts: [...upserts.values()], removed: [...removed] };
    upserts.clear();
    removed.clear();
    // A failure shows again, with its reason, in the next question: a worker that is down answers none.
    send(request).catch(() => undefined);
  }

  function later(): void {
    if (!closed) timer ??= setTimeout(flush, GATHER_MS);
  }

  return {
    async sync() {
      upserts.clear();
      removed.clear();
      await send({ op: "sync", runs: options.runs() });
    },
    upsert(run) {
      removed.delete(run.id);
      upserts.set(run.id, run);
      later();
    },
    remove(id) {
      upserts.delete(id);
      removed.add(id);
      later();
    },
    async list(query: CatalogQuery): Promise<CatalogPage> {
      checkSort(query.sort);
      flush();
      return (await send({ op: "list", query })) as AnswerTo<"list">;
    },
    async define(definitions) {
      defined = definitions;
      flush();
      await send({ op: "define", definitions });
    },
    async ask<O extends Question>(op: O, query: QueryOf<O>): Promise<AnswerTo<O>> {
      flush();
      // The worker answers in the shape of the operation; the compiler cannot follow that through the union of all of them.
      return (await send({ op, query } as CatalogRequest)) as AnswerTo<O>;
    },
    async close() {
      closed = true;
      flush();
      if (carrier === null) return;
      await carrier.send({ op: "close" }).catch(() => undefined);
      await carrier.end();
    },
  };
}

/** @throws TrainyardError bad_request */
function checkSort(sort: string): void {
  const field = sort.replace(/^-/, "");
  if (/^(params|metrics|derived|record)\../.test(field) || (RECORD_FIELDS as readonly string[]).includes(field)) return;
  throw new TrainyardError(
    "bad_request",
    `runs cannot be sorted by "${field}"`,
    `Sort by one of ${RECORD_FIELDS.join(", ")}, params.<key> or metrics.<key>.`,
  );
}

function inWorker(file: string, options: CatalogOptions): Carrier {
  const workerData: KeeperOptions = { wasmFolder: options.wasmFolder ?? path.dirname(file), snapshot: options.snapshot };
  const worker = new Worker(file, { workerData, name: "trainyard-catalog" });
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>();
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
    get failed() {
      return failure !== null;
    },
    send(request) {
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
    failed: false,
    send(request) {
      const done = last.then(async () => (await keeper).carryOut(request));
      last = done.catch(() => undefined);
      return done;
    },
    end: () => Promise.resolve(),
  };
}
