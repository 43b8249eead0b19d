/**
 * The second lifetime beside the extension's own: this window's connection to the store's run server. One WebSocket; the REST client
 * beside it. It finds the server or starts it, comes back by itself after a loss, and never touches the runs: they go on.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DISCOVERY_FILE } from "../../protocol/constants.ts";
import type { ApiClient } from "../../protocol/client.ts";
import type { Discovery } from "../../protocol/discovery.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import type { Topic } from "../../protocol/messages.ts";
import type { StreamAddress, StreamClient, StreamSubscription, SubscriptionHandlers } from "../../protocol/stream-client.ts";
import { Emitter, type Disposable } from "../emitter.ts";

export type ServerState =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting"; readonly since: number }
  | { readonly kind: "connected"; readonly since: number; readonly discovery: Discovery }
  | { readonly kind: "reconnecting"; readonly since: number; readonly detail: string }
  | { readonly kind: "failed"; readonly since: number; readonly error: TrainyardError };

export interface ConnectionOptions {
  /** Asked at each attempt: the settings and the interpreter may have changed. */
  readonly target: () => Promise<{ store: string; baseDir: string; python: string | null }>;
  /** Absolute path of dist/cli.cjs. */
  readonly cli: string;
  readonly log: (line: string) => void;
}

const RESTART_PATIENCE_MS = 10_000;

// The shapes of all routes and the sockets are loaded with the first use: activation stays short.
const clients = () => import("../../protocol/client.ts");
const streams = () => import("./stream.ts");
const searching = () => import("./discovery.ts");
const starting = () => import("./start.ts");

/** Made while the stream may still be loading. */
export type Subscription = Pick<StreamSubscription, "close">;

export class ServerConnection implements Disposable {
  readonly #options: ConnectionOptions;
  readonly #changed = new Emitter<ServerState>();
  readonly onState = this.#changed.event;
  #state: ServerState = { kind: "idle" };
  #stream: Promise<StreamClient> | null = null;
  #discovery: Discovery | null = null;
  /** Resolved when somebody asks for another try after a failure. */
  #retry: PromiseWithResolvers | null = null;
  /** One search at a time, however often the stream asks. */
  #locating: Promise<StreamAddress> | null = null;
  #disposed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Connects when there is a live server; starts none. @returns whether there was one */
  async attach(): Promise<boolean> {
    const { store } = await this.#options.target();
    if (!existsSync(path.join(store, DISCOVERY_FILE))) return false;
    const { findServer } = await searching();
    const found = await findServer(store);
    if (found.kind === "absent") return false;
    this.connect();
    return true;
  }

  /** Begins to connect, starting the server when needed; returns at once. */
  connect(): void {
    if (this.#disposed) return;
    if (this.#state.kind === "idle") this.#set({ kind: "connecting", since: Date.now() });
    if (this.#retry !== null) {
      // Said before the promise goes on, so that whoever waits from now on does not see the old failure.
      this.#set({ kind: "connecting", since: Date.now() });
      this.#retry.resolve();
    } else if (this.#state.kind === "reconnecting")
      void this.#stream?.then((stream) => {
        stream.retryNow();
      });
    void this.#open();
  }

  /** The REST client once the server answers. @throws TrainyardError when it cannot be found or started */
  async api(): Promise<ApiClient> {
    if (this.#state.kind !== "connected") this.connect();
    const [{ createClient }, discovery] = await Promise.all([clients(), this.#connected()]);
    return createClient({ url: discovery.url, token: discovery.token });
  }

  /** Address and token for a browser. @throws TrainyardError */
  async address(): Promise<StreamAddress> {
    if (this.#state.kind !== "connected") this.connect();
    return this.#connected();
  }

  /** Lives across lost connections and restarts of the server, until it is closed. */
  subscribe(topic: Topic, handlers: SubscriptionHandlers): Subscription {
    let subscription: StreamSubscription | null = null;
    let closed = false;
    void this.#open().then((stream) => {
      if (!closed) subscription = stream.subscribe(topic, handlers);
    });
    return {
      close: () => {
        closed = true;
        subscription?.close();
      },
    };
  }

  /** Ends the server and starts it anew. Runs go on: the next server finds them again. */
  async restart(): Promise<void> {
    const discovery = this.#discovery;
    if (discovery !== null) {
      const { createClient } = await clients();
      await createClient({ url: discovery.url, token: discovery.token, timeoutMs: 5000 })
        .call("shutdown")
        .catch((error: unknown) => {
          this.#options.log(`the server did not answer the request to end: ${String(error)}`);
        });
      if (!(await processGone(discovery.process.pid, RESTART_PATIENCE_MS)))
        throw new TrainyardError("timeout", `the run server (process ${discovery.process.pid}) does not end`, "Try again in a moment.");
      if (this.#state.kind === "connected") this.#set({ kind: "reconnecting", since: Date.now(), detail: "the run server is restarting" });
    }
    await this.api();
  }

  dispose(): void {
    this.#disposed = true;
    void this.#stream?.then((stream) => {
      stream.close();
    });
    this.#stream = null;
    this.#set({ kind: "idle" });
    this.#changed.dispose();
  }

  #open(): Promise<StreamClient> {
    this.#stream ??= streams().then(({ openStream }) =>
      openStream({
        address: () => (this.#locating ??= this.#locate().finally(() => (this.#locating = null))),
        onStatus: (status) => {
          if (status.state === "connected" && this.#discovery !== null)
            this.#set({ kind: "connected", since: Date.now(), discovery: this.#discovery });
          else if (status.state !== "connected" && this.#state.kind === "connected") {
            this.#options.log(status.detail ?? "the connection was lost");
            this.#set({ kind: "reconnecting", since: Date.now(), detail: status.detail ?? "the connection to the run server was lost" });
          }
        },
      }),
    );
    return this.#stream;
  }

  /** Waits after a failure until somebody asks again: a server that cannot start is not started every few seconds. */
  async #locate(): Promise<StreamAddress> {
    for (;;) {
      if (this.#state.kind !== "reconnecting") this.#set({ kind: "connecting", since: Date.now() });
      try {
        const target = await this.#options.target();
        const [{ findServer }, { startServer }] = await Promise.all([searching(), starting()]);
        const found = await findServer(target.store);
        if (found.kind === "absent") this.#options.log(`no live server: ${found.reason}`);
        this.#discovery =
          found.kind === "alive" ? found.discovery : await startServer({ ...target, cli: this.#options.cli, log: this.#options.log });
        this.#options.log(`run server at ${this.#discovery.url}, process ${this.#discovery.process.pid}, store ${this.#discovery.store}`);
        return this.#discovery;
      } catch (error) {
        const typed = error instanceof TrainyardError ? error : new TrainyardError("internal", String(error));
        this.#options.log(`${typed.code}: ${typed.message}`);
        this.#retry = withResolvers();
        this.#set({ kind: "failed", since: Date.now(), error: typed });
        await this.#retry.promise;
        this.#retry = null;
      }
    }
  }

  #connected(): Promise<Discovery> {
    return new Promise((resolve, reject) => {
      const settle = (state: ServerState): boolean => {
        if (state.kind === "connected") resolve(state.discovery);
        else if (state.kind === "failed") reject(state.error);
        else if (state.kind === "idle" && this.#disposed) reject(new TrainyardError("unavailable", "the window is closing"));
        else return false;
        return true;
      };
      if (settle(this.#state)) return;
      const waiting = this.onState((state) => {
        if (settle(state)) waiting.dispose();
      });
    });
  }

  #set(state: ServerState): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}

async function processGone(pid: number, patienceMs: number): Promise<boolean> {
  const end = Date.now() + patienceMs;
  while (Date.now() < end) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await delay(50);
  }
  return false;
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
}

/** Promise.withResolvers is not in Node 20. */
function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
