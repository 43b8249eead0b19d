/** The transport inside a VS Code webview: the extension host relays requests and the stream, since a webview cannot open sockets. */
import type { CallInput } from "../../protocol/client.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import type { JsonObject, JsonValue } from "../../protocol/json.ts";
import { ServerMessage, type Topic } from "../../protocol/messages.ts";
import type { RouteName, RouteResponse } from "../../protocol/routes.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import type { FromWebview, PathRule, ToWebview } from "../../protocol/webview.ts";
import { Observable } from "./observable.ts";
import { SubscriptionBook } from "./subscription-book.ts";
import type { Connection, SimpleHostCommand, Subscription, TopicHandlers, Transport } from "./transport.ts";

/** What VS Code puts on the global scope of a webview. */
export interface VsCodeApi {
  postMessage(message: FromWebview): void;
  getState(): unknown;
  setState(state: unknown): void;
}

export type InitMessage = Extract<ToWebview, { type: "init" }>;
export type DocumentMessage = Extract<ToWebview, { type: "document" }>;

const REQUEST_TIMEOUT_MS = 60_000;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: number;
}

export class VsCodeTransport implements Transport {
  readonly host = "vscode";
  readonly #api: VsCodeApi;
  readonly #book: SubscriptionBook;
  readonly #connection = new Observable<Connection>({ state: "connecting", since: Date.now(), detail: null });
  readonly #waiting = new Map<number, Waiting>();
  readonly #picking = new Map<number, (path: string | null) => void>();
  readonly #listing = new Map<number, (paths: readonly string[]) => void>();
  readonly #documents = new Set<(message: DocumentMessage) => void>();
  readonly #init: (message: InitMessage) => void;
  #nextRequest = 1;

  /** @param onInit called with what the panel shows, first and again whenever the host sends it anew */
  constructor(api: VsCodeApi, onInit: (message: InitMessage) => void) {
    this.#api = api;
    this.#init = onInit;
    this.#book = new SubscriptionBook((message) => {
      this.#api.postMessage({ type: "stream", message });
    });
    window.addEventListener("message", (event: MessageEvent<ToWebview>) => {
      this.#receive(event.data);
    });
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#book.catchUp();
    });
    this.#api.postMessage({ type: "ready" });
  }

  get connection(): Connection {
    return this.#connection.value;
  }

  onConnection(listener: (connection: Connection) => void): () => void {
    return this.#connection.listen(listener);
  }

  async request<N extends RouteName>(route: N, input: CallInput<N> = {}): Promise<RouteResponse<N>> {
    return (await this.#ask(route, input)) as RouteResponse<N>;
  }

  async bytes<N extends RouteName>(route: N, input: CallInput<N> = {}): Promise<Uint8Array> {
    const answer = await this.#ask(route, input);
    if (!(answer instanceof ArrayBuffer))
      throw new TrainyardError("internal", `the editor answered ${route} without bytes`, "Reload the window.");
    return new Uint8Array(answer);
  }

  subscribe(topic: Topic, handlers: TopicHandlers): Subscription {
    return this.#book.subscribe(topic, handlers);
  }

  command(command: SimpleHostCommand): void {
    this.#api.postMessage({ type: "command", command });
  }

  pickPath(field: PathRule): Promise<string | null> {
    const request = this.#nextRequest++;
    return new Promise((resolve) => {
      this.#picking.set(request, resolve);
      this.#api.postMessage({ type: "command", command: { command: "pick_path", request, field } });
    });
  }

  listPaths(field: PathRule): Promise<readonly string[]> {
    const request = this.#nextRequest++;
    return new Promise((resolve) => {
      this.#listing.set(request, resolve);
      this.#api.postMessage({ type: "command", command: { command: "list_paths", request, field } });
    });
  }

  /** Sends edits of the document that this page shows. */
  edit(sequence: number, edits: readonly SpecEdit[]): void {
    this.#api.postMessage({ type: "edit_document", sequence, edits: [...edits] });
  }

  /** Each new text of that document. */
  onDocument(listener: (message: DocumentMessage) => void): void {
    this.#documents.add(listener);
  }

  setTitle(title: string): void {
    this.#api.postMessage({ type: "title", title });
  }

  #ask<N extends RouteName>(route: N, input: CallInput<N>): Promise<unknown> {
    const request = this.#nextRequest++;
    return new Promise((resolve, reject) => {
      const timer = window.setTimeout(() => {
        this.#waiting.delete(request);
        reject(new TrainyardError("timeout", `${route} got no answer in time`, "Try again; if it stays so, restart the run server."));
      }, input.timeoutMs ?? REQUEST_TIMEOUT_MS);
      this.#waiting.set(request, { resolve, reject, timer });
      this.#api.postMessage({
        type: "request",
        request,
        route,
        params: input.params ?? {},
        query: withoutUndefined(input.query ?? {}),
        ...(input.body === undefined ? {} : { body: input.body as JsonValue }),
      });
    });
  }

  #receive(message: ToWebview): void {
    switch (message.type) {
      case "init":
        this.#init(message);
        break;
      case "response":
        this.#answer(message);
        break;
      case "message": {
        const parsed = ServerMessage.safeParse(message.message);
        if (parsed.success) this.#book.receive(parsed.data);
        else console.error("message of the run server not understood", parsed.error);
        break;
      }
      case "frame":
        this.#book.receiveFrame(new Uint8Array(message.bytes));
        break;
      case "connection":
        this.#connect({ state: message.state, since: Date.parse(message.since), detail: message.detail });
        break;
      case "document":
        for (const listener of this.#documents) listener(message);
        break;
      case "paths":
        this.#listing.get(message.request)?.(message.paths);
        this.#listing.delete(message.request);
        break;
      case "picked":
        this.#picking.get(message.request)?.(message.path);
        this.#picking.delete(message.request);
        break;
    }
  }

  #answer(message: Extract<ToWebview, { type: "response" }>): void {
    const waiting = this.#waiting.get(message.request);
    if (waiting === undefined) return;
    this.#waiting.delete(message.request);
    clearTimeout(waiting.timer);
    if (!message.ok) waiting.reject(TrainyardError.fromApi(message.error));
    else waiting.resolve("bytes" in message ? message.bytes : message.body);
  }

  #connect(next: Connection): void {
    const before = this.#connection.value.state;
    this.#connection.set(next);
    if (next.state !== "connected") {
      this.#book.closed();
      return;
    }
    // The host says "connected" again when the panel shows again: what came meanwhile was lost on the way here.
    if (before === "connected") this.#book.catchUp();
    else this.#book.opened();
  }
}

function withoutUndefined(query: object): JsonObject {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
}
