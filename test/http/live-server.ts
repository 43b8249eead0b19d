/** A real server on a real store in a temporary folder. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import WebSocket from "ws";
import { createClient, type ApiClient } from "../../protocol/client.ts";
import { createApi, type Api } from "../../protocol/generated/api-client.ts";
import type { RunRecord } from "../../protocol/run.ts";
import { createStreamClient, type StreamClient, type StreamClientOptions } from "../../protocol/stream-client.ts";
import { startServer, type RunningServer, type ServerOptions } from "../../server/main.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { attemptRecord, resolvedSpec, runRecord } from "../store/fixtures.ts";

export class LiveServer {
  readonly root: string;
  readonly store: string;
  readonly logged: string[] = [];
  #server: RunningServer | null = null;
  readonly #streams: StreamClient[] = [];

  private constructor(store: string) {
    this.root = path.dirname(store);
    this.store = store;
  }

  /** On a store that is there, or will be. */
  static at(store: string): LiveServer {
    return new LiveServer(store);
  }

  /** A folder with an empty store; nothing is started yet. */
  static async folder(): Promise<LiveServer> {
    return new LiveServer(path.join(await realpath(await mkdtemp(path.join(os.tmpdir(), "ty-http-"))), ".trainyard"));
  }

  get server(): RunningServer {
    if (this.#server === null) throw new Error("the server was not started");
    return this.#server;
  }

  async start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
    this.#server = await startServer({ store: this.store, log: (text) => this.logged.push(text), ...options });
    await this.#server.ready;
    return this.#server;
  }

  /** A run folder as a server leaves it. */
  async addRun(fields: Partial<RunRecord> = {}): Promise<RunFolder> {
    const store = await openStore(this.store);
    const record = runRecord({ state: "completed", attempt: 1, ...fields });
    const folder = await store.create(record, {
      specYaml: `recipe: ${record.recipe}\nproject: ${record.project}\n`,
      resolved: resolvedSpec(record.id, path.join(this.store, record.project, "runs", record.id)),
    });
    if (record.attempt > 0) {
      await store.writeAttempt(record.id, attemptRecord({ created_at: record.created_at }));
    }
    store.close();
    return folder;
  }

  get client(): ApiClient {
    return createClient(this.server);
  }

  /** The client that is generated from the OpenAPI document: what tests say with it, the document allows. */
  get api(): Api {
    return createApi(this.server);
  }

  /** A request as anybody could send it. */
  fetch(url: string, init: RequestInit = {}, token: string | null = this.server.token): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== null) headers.set("authorization", `Bearer ${token}`);
    return fetch(`${this.server.url}${url}`, { ...init, headers });
  }

  stream(options: Partial<StreamClientOptions> = {}): StreamClient {
    const stream = createStreamClient({
      address: () => this.server,
      connect: (url, protocols) => new WebSocket(url, protocols),
      minBackoffMs: 20,
      ...options,
    });
    this.#streams.push(stream);
    return stream;
  }

  async remove(): Promise<void> {
    for (const stream of this.#streams) stream.close();
    await this.#server?.close();
    // A training that was just killed may still write.
    await rm(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Polls until `read` gives something. @throws Error after fifteen seconds */
export async function eventually<T>(read: () => T | undefined | null | false, what = "what was waited for"): Promise<T> {
  for (let i = 0; i < 750; i++) {
    const value = read();
    if (value !== undefined && value !== null && value !== false) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} did not come`);
}
