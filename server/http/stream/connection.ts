/** One WebSocket: its subscriptions, and the rule that nothing is queued for a client that does not read. */
import type { RawData, WebSocket } from "ws";
import { TrainyardError } from "../../../protocol/errors.ts";
import { ClientMessage, type ServerMessage, type Topic } from "../../../protocol/messages.ts";
import { parseJson } from "../../../protocol/parse-json.ts";
import { badRequest, toTrainyardError } from "../errors.ts";
import { LogFeed, SeriesFeed } from "./data-feeds.ts";
import type { Feed, FeedSources, Sink } from "./feed.ts";
import { NoticesFeed, QueueFeed, RunFeed, RunsFeed, SummariesFeed, SystemFeed } from "./run-feeds.ts";

/** Above this many unsent bytes nothing more is written; feeds collapse their backlog meanwhile. */
const HIGH_WATER_BYTES = 1024 * 1024;
/** A client that reads nothing for so long is let go; it comes back with its cursors. */
const BLOCKED_LIMIT_MS = 60_000;
const MAX_SUBSCRIPTIONS = 1_000;

export interface ConnectionOptions {
  readonly sources: FeedSources;
  readonly ready: Promise<void>;
  readonly log: (text: string) => void;
}

export class StreamConnection implements Sink {
  readonly #socket: WebSocket;
  readonly #options: ConnectionOptions;
  readonly #feeds = new Map<number, Feed>();
  /** Feeds that could not be read for want of open files. */
  readonly #again = new Set<Feed>();
  #flushing = false;
  /** Feeds wait for the socket to take what it was given. */
  #held = false;
  #blockedSince: number | null = null;
  #answered = true;

  constructor(socket: WebSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("message", (data, isBinary) => {
      this.#receive(data, isBinary);
    });
    socket.on("pong", () => {
      this.#answered = true;
    });
    // The reason is of no interest: `close` follows, and the client comes back.
    socket.on("error", () => undefined);
  }

  get feeds(): Iterable<Feed> {
    return this.#feeds.values();
  }

  message(message: ServerMessage): void {
    this.#socket.send(JSON.stringify(message));
  }

  frame(bytes: Uint8Array): void {
    this.#socket.send(bytes, (error) => {
      // Those that wait go on as soon as there is room: at the next beat only, a hundred curves would take as many beats.
      if (error == null && this.#held && this.#socket.bufferedAmount <= HIGH_WATER_BYTES / 2) void this.tick();
    });
  }

  /** Sends what the feeds have, as far as the socket takes it. */
  async tick(): Promise<void> {
    if (this.#flushing || this.#blocked()) return;
    this.#flushing = true;
    this.#held = false;
    try {
      for (const [id, feed] of [...this.#feeds]) {
        const again = this.#again.delete(feed);
        if ((!feed.dirty && !again) || this.#feeds.get(id) !== feed) continue;
        await this.#flush(id, feed);
        if (this.#socket.bufferedAmount > HIGH_WATER_BYTES) {
          // The others go first when the socket is free again.
          this.#held = true;
          if (this.#feeds.delete(id)) this.#feeds.set(id, feed);
          return;
        }
      }
    } finally {
      this.#flushing = false;
    }
  }

  /** Lets go of a connection that did not answer the last ping. */
  heartbeat(): void {
    if (!this.#answered) {
      this.#socket.terminate();
      return;
    }
    this.#answered = false;
    this.#socket.ping();
  }

  /** Frees what the subscriptions hold; the socket is closed or about to be. */
  dispose(): void {
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    this.#again.clear();
  }

  close(): void {
    this.dispose();
    this.#socket.close(1001, "the run server ends");
  }

  terminate(): void {
    this.#socket.terminate();
  }

  async #flush(id: number, feed: Feed): Promise<void> {
    try {
      await this.#options.ready;
      const over = await feed.flush(this);
      if (over && this.#drop(id, feed)) this.message({ type: "end", id });
    } catch (error) {
      const { code, message } = toTrainyardError(error, this.#options.log);
      // The shortage passes, and the client's place in the topic is known: the next tick tries again.
      if (code === "unavailable" && this.#feeds.get(id) === feed) this.#again.add(feed);
      else if (this.#drop(id, feed)) this.message({ type: "error", id, code, message });
    }
  }

  #drop(id: number, feed: Feed): boolean {
    feed.close();
    return this.#feeds.get(id) === feed && this.#feeds.delete(id);
  }

  #blocked(): boolean {
    if (this.#socket.bufferedAmount <= HIGH_WATER_BYTES) {
      this.#blockedSince = null;
      return false;
    }
    this.#blockedSince ??= Date.now();
    if (Date.now() - this.#blockedSince > BLOCKED_LIMIT_MS) this.#socket.terminate();
    return true;
  }

  #receive(data: RawData, isBinary: boolean): void {
    try {
      this.#handle(parseMessage(data, isBinary));
    } catch (error) {
      const { code, message } = toTrainyardError(error, this.#options.log);
      this.message({ type: "error", id: null, code, message });
    }
  }

  #handle(message: ClientMessage): void {
    switch (message.type) {
      case "ping":
        this.message({ type: "pong", id: message.id });
        return;
      case "unsubscribe":
        this.#feeds.get(message.id)?.close();
        this.#feeds.delete(message.id);
        return;
      case "subscribe": {
        this.#feeds.get(message.id)?.close();
        this.#feeds.delete(message.id);
        if (this.#feeds.size >= MAX_SUBSCRIPTIONS) {
          throw new TrainyardError("too_large", `one connection may hold ${MAX_SUBSCRIPTIONS} subscriptions at most`);
        }
        this.#feeds.set(message.id, createFeed(message.id, message.topic, this.#options.sources));
        // The first answer does not wait for the next beat.
        void this.tick();
      }
    }
  }
}

function parseMessage(data: RawData, isBinary: boolean): ClientMessage {
  let json: unknown;
  try {
    if (isBinary) throw new SyntaxError("binary messages are not understood");
    json = parseJson((data as Buffer).toString("utf8"));
  } catch (error) {
    throw new TrainyardError("bad_request", `the message is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const parsed = ClientMessage.safeParse(json);
  if (!parsed.success) throw badRequest("message", parsed.error);
  return parsed.data;
}

function createFeed(id: number, topic: Topic, sources: FeedSources): Feed {
  switch (topic.topic) {
    case "runs":
      return new RunsFeed(id, topic, sources.runs);
    case "summaries":
      return new SummariesFeed(id, sources.runs, topic.runs);
    case "run":
      return new RunFeed(id, topic.run, sources);
    case "series":
      return new SeriesFeed(id, topic, sources);
    case "log":
      return new LogFeed(id, topic, sources);
    case "notices":
      return new NoticesFeed(id, sources.notices);
    case "queue":
      return new QueueFeed(id, sources.runs);
    case "system":
      return new SystemFeed(id, sources.devices);
  }
}
