/** The transport of a plain browser: fetch for requests, one WebSocket for the stream. */
import { type ApiClient, type CallInput, createClient } from "../../protocol/client.ts";
import type { Topic } from "../../protocol/messages.ts";
import type { RouteName, RouteResponse } from "../../protocol/routes.ts";
import { createStreamClient, type StreamClient } from "../../protocol/stream-client.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { Observable } from "./observable.ts";
import { type Connection, isOffline, type SimpleHostCommand, type Subscription, type TopicHandlers, type Transport } from "./transport.ts";

export class BrowserTransport implements Transport {
  readonly host = "browser";
  readonly #client: ApiClient;
  readonly #stream: StreamClient;
  readonly #connection = new Observable<Connection>({ state: "connecting", since: Date.now(), detail: null });
  readonly #onCommand: (command: SimpleHostCommand) => void;

  /** @param onCommand what the page does with commands that an editor would carry out */
  constructor(url: string, token: string, onCommand: (command: SimpleHostCommand) => void) {
    this.#client = createClient({ url, token });
    this.#onCommand = onCommand;
    this.#stream = createStreamClient({
      address: () => ({ url, token }),
      connect: (address, protocols) => {
        if (isOffline(this.connection)) void this.#checkToken();
        return new WebSocket(address, protocols);
      },
      onStatus: (status) => {
        this.#connection.set(status);
      },
    });
    // A page keeps its socket while hidden; only a lost one should not wait for the next attempt once somebody looks again.
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.#stream.retryNow();
    });
    window.addEventListener("online", () => {
      this.#stream.retryNow();
    });
  }

  get connection(): Connection {
    return this.#connection.value;
  }

  onConnection(listener: (connection: Connection) => void): () => void {
    return this.#connection.listen(listener);
  }

  /** A socket that is refused does not say why; an answer does. A server that was started anew has a new token. */
  async #checkToken(): Promise<void> {
    try {
      await this.#client.call("getServer");
    } catch (error) {
      if (!(error instanceof TrainyardError) || error.code !== "unauthorized" || !isOffline(this.connection)) return;
      this.#connection.set({
        state: "failed",
        since: this.connection.since,
        detail: "The run server was started anew. Open this page again with the address that it has now.",
      });
    }
  }

  request<N extends RouteName>(route: N, input: CallInput<N> = {}): Promise<RouteResponse<N>> {
    return this.#client.call(route, input);
  }

  bytes<N extends RouteName>(route: N, input: CallInput<N> = {}): Promise<Uint8Array> {
    return this.#client.bytes(route, input);
  }

  subscribe(topic: Topic, handlers: TopicHandlers): Subscription {
    return this.#stream.subscribe(topic, {
      onMessage: (message) => handlers.message?.(message),
      onFrame: (header, body) => handlers.frame?.(header, body),
      onError: ({ code, message }) => handlers.message?.({ type: "error", id: null, code, message }),
    });
  }

  command(command: SimpleHostCommand): void {
    this.#onCommand(command);
  }

  /** A browser cannot learn the path of a file on the training machine. */
  pickPath(): Promise<string | null> {
    return Promise.resolve(null);
  }

  listPaths(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  setTitle(title: string): void {
    document.title = title;
  }
}
