/** What a web application needs of the world outside it, the same in a VS Code panel and in a plain browser. */
import type { CallInput } from "../../protocol/client.ts";
import type { SeriesFrameHeader } from "../../protocol/frames.ts";
import type { ServerMessage, Topic } from "../../protocol/messages.ts";
import type { RouteName, RouteResponse } from "../../protocol/routes.ts";
import type { ConnectionState, HostCommand, PathRule } from "../../protocol/webview.ts";

export interface Connection {
  readonly state: ConnectionState;
  /** ms since the epoch: when this state began. */
  readonly since: number;
  /** A sentence for people, or null. */
  readonly detail: string | null;
}

/** Was it connected, and is not now? A page that just opened is no news. */
export function isOffline({ state }: Connection): boolean {
  return state === "reconnecting" || state === "failed";
}

export interface TopicHandlers {
  /** A JSON message of this subscription, in order, each once. */
  message?(message: ServerMessage): void;
  /** A frame of series points; `body` is an Arrow IPC stream. */
  frame?(header: SeriesFrameHeader, body: Uint8Array): void;
}

export interface Subscription {
  close(): void;
}

/** Those with an answer are asked through `pickPath` and `listPaths`, which wait for it. */
export type SimpleHostCommand = Exclude<HostCommand, { command: "pick_path" | "list_paths" }>;

export interface Transport {
  /** Where the application runs; a browser has no editor to open files in. */
  readonly host: "vscode" | "browser";
  readonly connection: Connection;
  /** JSON routes. @throws TrainyardError */
  request<N extends RouteName>(route: N, input?: CallInput<N>): Promise<RouteResponse<N>>;
  /** Routes that answer with bytes. @throws TrainyardError */
  bytes<N extends RouteName>(route: N, input?: CallInput<N>): Promise<Uint8Array>;
  /** Subscribes until closed; survives reconnects and hidden panels without a gap or a duplicate. */
  subscribe(topic: Topic, handlers: TopicHandlers): Subscription;
  /** Calls the listener on each change, returns the function that removes it. */
  onConnection(listener: (connection: Connection) => void): () => void;
  command(command: SimpleHostCommand): void;
  /** Asks the host for a path; null when it was dismissed or the host has no file dialog. */
  pickPath(field: PathRule): Promise<string | null>;
  /** Paths of the workspace that such a field may take; none where the host does not know them. */
  listPaths(field: PathRule): Promise<readonly string[]>;
  setTitle(title: string): void;
}
