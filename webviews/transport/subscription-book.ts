/**
 * The subscriptions of a webview, apart from the link that carries them. It keeps the newest cursor of each, so that a new link, or
 * a panel that was hidden and lost messages, goes on exactly where the last delivered message ended.
 *
 * Every (re)subscription gets a new id: messages that were under way for the old id are dropped, so nothing is delivered twice.
 */
import { decodeFrame } from "../../protocol/frames.ts";
import type { ClientMessage, ServerMessage, Topic } from "../../protocol/messages.ts";
import type { Subscription, TopicHandlers } from "./transport.ts";

interface Entry {
  id: number;
  topic: Topic;
  readonly handlers: TopicHandlers;
  /** Was it asked for on any link? The other side may still hold it then. */
  sent: boolean;
  ended: boolean;
  /** Events delivered in all, and those received under this id: a topic starts again from the first event. */
  eventsSeen: number;
  eventsHere: number;
}

export class SubscriptionBook {
  readonly #entries = new Map<number, Entry>();
  readonly #send: (message: ClientMessage) => void;
  #nextId = 1;
  #open = false;

  /** @param send puts a message on the link; called only between `opened` and `closed` */
  constructor(send: (message: ClientMessage) => void) {
    this.#send = send;
  }

  /** The link is up, or it may have lost messages: subscribes everything from its newest cursor. */
  opened(): void {
    this.#open = true;
    for (const entry of [...this.#entries.values()]) if (!entry.ended) this.#renew(entry);
  }

  closed(): void {
    this.#open = false;
  }

  /** The panel shows again: what was sent meanwhile may be lost. */
  catchUp(): void {
    if (this.#open) this.opened();
  }

  subscribe(topic: Topic, handlers: TopicHandlers): Subscription {
    const entry: Entry = { id: this.#nextId++, topic, handlers, sent: false, ended: false, eventsSeen: 0, eventsHere: 0 };
    this.#entries.set(entry.id, entry);
    if (this.#open) this.#ask(entry);
    return {
      close: () => {
        if (!this.#entries.delete(entry.id)) return;
        if (this.#open && !entry.ended) this.#send({ type: "unsubscribe", id: entry.id });
      },
    };
  }

  receive(message: ServerMessage): void {
    if (!("id" in message) || message.id === null) return;
    const entry = this.#entries.get(message.id);
    if (entry === undefined) return;
    switch (message.type) {
      case "log":
        if (entry.topic.topic !== "log") return;
        // A hole means that a message was lost on the way here: ask again rather than show a log with a piece missing.
        if (message.offset > entry.topic.offset + message.skipped_bytes) {
          if (this.#open) this.#renew(entry);
          return;
        }
        entry.topic = { ...entry.topic, offset: message.next_offset };
        break;
      case "events": {
        const known = Math.max(0, entry.eventsSeen - entry.eventsHere);
        entry.eventsHere += message.events.length;
        entry.eventsSeen = Math.max(entry.eventsSeen, entry.eventsHere);
        const events = message.events.slice(known);
        if (events.length > 0) entry.handlers.message?.({ ...message, events });
        return;
      }
      case "end":
      case "error":
        entry.ended = true;
        break;
      default:
        break;
    }
    entry.handlers.message?.(message);
  }

  receiveFrame(bytes: Uint8Array): void {
    const { header, body } = decodeFrame(bytes);
    const entry = header.id === null ? undefined : this.#entries.get(header.id);
    if (entry?.topic.topic !== "series") return;
    entry.topic = { ...entry.topic, cursor: header.cursor };
    entry.handlers.frame?.(header, body);
  }

  #renew(entry: Entry): void {
    // The other side may keep the old one alive by itself; two of one kind would only cost.
    if (entry.sent) this.#send({ type: "unsubscribe", id: entry.id });
    this.#entries.delete(entry.id);
    entry.id = this.#nextId++;
    entry.eventsHere = 0;
    this.#entries.set(entry.id, entry);
    this.#ask(entry);
  }

  #ask(entry: Entry): void {
    entry.sent = true;
    this.#send({ type: "subscribe", id: entry.id, topic: entry.topic });
  }
}
