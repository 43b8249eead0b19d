/**
 * Carries what one webview asks to the run server and back: requests limited to the route table, the stream with ids of the panel's own.
 * Knows nothing of VS Code, so that it is tested against a real server.
 *
 * Messages to a hidden webview are lost on the way. The relay therefore sends nothing while the panel is hidden and says "connected"
 * anew when it shows; the webview then subscribes again from the newest cursor that really reached it.
 */
import type { ApiClient, CallInput } from "../../protocol/client.ts";
import { TrainyardError } from "../../protocol/trainyard-error.ts";
import { encodeFrame } from "../../protocol/frames.ts";
import type { ClientMessage, ServerMessage, Topic } from "../../protocol/messages.ts";
import { routes, type RouteName } from "../../protocol/routes.ts";
import type { SpecEdit } from "../../protocol/run-document/edit.ts";
import type { SubscriptionHandlers } from "../../protocol/stream-client.ts";
import { FromWebview, type HostCommand, type ToWebview } from "../../protocol/webview.ts";
import type { Disposable } from "../emitter.ts";
import type { ServerState, Subscription } from "../server/connection.ts";

export interface RelaySource {
  readonly state: ServerState;
  onState(listener: (state: ServerState) => void): Disposable;
  subscribe(topic: Topic, handlers: SubscriptionHandlers): Subscription;
  api(): Promise<ApiClient>;
}

export interface RelayHost {
  /** To the webview; dropped by VS Code while it is hidden. */
  post(message: ToWebview): void;
  /** The webview's script runs (again) and holds nothing: the panel answers with `init`. */
  onReady(): void;
  onCommand(command: HostCommand): void;
  onTitle(title: string): void;
  onEdit(sequence: number, edits: readonly SpecEdit[]): void;
  /** Last word on a request: fills in what only the editor knows, or refuses by throwing a TrainyardError. */
  prepare(route: RouteName, body: unknown): Promise<unknown>;
  log(line: string): void;
}

/** A page of the editor has no business with these. */
const REFUSED: ReadonlySet<RouteName> = new Set(["shutdown", "getOpenApi"]);

export class Relay implements Disposable {
  readonly #source: RelaySource;
  readonly #host: RelayHost;
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #watch: Disposable;
  #visible = true;
  #ready = false;

  constructor(source: RelaySource, host: RelayHost) {
    this.#source = source;
    this.#host = host;
    this.#watch = source.onState((state) => {
      if (state.kind !== "connected") this.#dropSubscriptions();
      this.#announce(state);
    });
  }

  /** One message of the webview, unvalidated. */
  receive(raw: unknown): void {
    const parsed = FromWebview.safeParse(raw);
    if (!parsed.success) {
      this.#host.log(
        `a message of the webview was refused: ${parsed.error.issues.map((i) => `${i.path.join(".")}: ${i.message}`).join("; ")}`,
      );
      const request = requestNumber(raw);
      if (request !== null)
        this.#host.post({
          type: "response",
          request,
          ok: false,
          error: new TrainyardError("bad_request", "the request does not have the documented shape").toApi(),
        });
      return;
    }
    const message = parsed.data;
    switch (message.type) {
      case "ready":
        this.#ready = true;
        this.#dropSubscriptions();
        this.#host.onReady();
        this.#announce(this.#source.state);
        return;
      case "request":
        void this.#answer(message);
        return;
      case "stream":
        this.#stream(message.message);
        return;
      case "command":
        this.#host.onCommand(message.command);
        return;
      case "title":
        this.#host.onTitle(message.title);
        return;
      case "edit_document":
        this.#host.onEdit(message.sequence, message.edits);
        return;
    }
  }

  setVisible(visible: boolean): void {
    if (visible === this.#visible) return;
    this.#visible = visible;
    if (visible) this.#announce(this.#source.state);
    else this.#dropSubscriptions();
  }

  dispose(): void {
    this.#watch.dispose();
    this.#dropSubscriptions();
  }

  #announce(state: ServerState): void {
    if (!this.#ready || !this.#visible) return;
    const since = new Date(state.kind === "idle" ? Date.now() : state.since).toISOString();
    switch (state.kind) {
      case "idle":
      case "connecting":
        this.#host.post({ type: "connection", state: "connecting", since, detail: null });
        return;
      case "connected":
        this.#host.post({ type: "connection", state: "connected", since, detail: null });
        return;
      case "reconnecting":
        this.#host.post({ type: "connection", state: "reconnecting", since, detail: state.detail });
        return;
      case "failed":
        this.#host.post({ type: "connection", state: "failed", since, detail: state.error.message });
        return;
    }
  }

  #stream(message: ClientMessage): void {
    switch (message.type) {
      case "ping":
        if (this.#source.state.kind === "connected") this.#send({ type: "pong", id: message.id });
        return;
      case "unsubscribe":
        this.#subscriptions.get(message.id)?.close();
        this.#subscriptions.delete(message.id);
        return;
      case "subscribe": {
        const { id, topic } = message;
        this.#subscriptions.get(id)?.close();
        this.#subscriptions.set(
          id,
          this.#source.subscribe(topic, {
            onMessage: (answer) => {
              if ("id" in answer && answer.type !== "pong") this.#send({ ...answer, id });
              if (answer.type === "end") this.#subscriptions.delete(id);
            },
            onFrame: (header, body) => {
              // A fresh buffer of exactly this frame: a Node Buffer would arrive as a plain object.
              this.#host.post({ type: "frame", bytes: encodeFrame({ ...header, id }, body).buffer });
            },
            onError: (error) => {
              this.#subscriptions.delete(id);
              this.#send({ type: "error", id, code: error.code, message: error.message });
            },
          }),
        );
        return;
      }
    }
  }

  #send(message: ServerMessage): void {
    this.#host.post({ type: "message", message });
  }

  async #answer(message: Extract<FromWebview, { type: "request" }>): Promise<void> {
    const { request } = message;
    try {
      const name = routeName(message.route);
      const input = await this.#input(name, message);
      const api = await this.#source.api();
      if (routes[name].produces === "json" || message.query["format"] === "json") {
        const body: unknown = await api.call(name, input);
        this.#host.post({ type: "response", request, ok: true, body });
      } else {
        const bytes = await api.bytes(name, input);
        this.#host.post({ type: "response", request, ok: true, bytes: new Uint8Array(bytes).buffer });
      }
    } catch (error) {
      const typed =
        error instanceof TrainyardError ? error : new TrainyardError("internal", error instanceof Error ? error.message : String(error));
      this.#host.post({ type: "response", request, ok: false, error: typed.toApi() });
    }
  }

  /** The parts of the request, checked against the route's own shapes; sent on as they came, since the server reads them again. */
  async #input(name: RouteName, message: Extract<FromWebview, { type: "request" }>): Promise<CallInput<RouteName>> {
    const route = routes[name];
    const body = await this.#host.prepare(name, message.body);
    const query = Object.fromEntries(Object.entries(message.query).map(([key, value]) => [key, queryText(value)]));
    for (const [part, shape, value] of [
      ["path", route.params, message.params],
      ["query", route.query, query],
      ["body", route.body, body],
    ] as const) {
      const checked = shape.safeParse(value);
      if (!checked.success) {
        const first = checked.error.issues[0];
        throw new TrainyardError(
          "bad_request",
          `${name}: ${part} ${first === undefined ? "" : `${first.path.join(".")}: ${first.message}`}`,
        );
      }
    }
    return { params: message.params, query, ...(body === undefined ? {} : { body }) } as CallInput<RouteName>;
  }

  #dropSubscriptions(): void {
    for (const subscription of this.#subscriptions.values()) subscription.close();
    this.#subscriptions.clear();
  }
}

/** As the client writes it into the address: lists by commas. */
function queryText(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join(",") : String(value);
}

function routeName(name: string): RouteName {
  if (!Object.hasOwn(routes, name) || REFUSED.has(name as RouteName))
    throw new TrainyardError("forbidden", `${name} is not open to webviews`);
  return name as RouteName;
}

function requestNumber(raw: unknown): number | null {
  if (typeof raw !== "object" || raw === null || !("type" in raw) || raw.type !== "request" || !("request" in raw)) return null;
  return typeof raw.request === "number" ? raw.request : null;
}
