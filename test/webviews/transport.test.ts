import { describe, expect, it } from "vitest";
import { encodeFrame } from "../../protocol/frames.ts";
import type { ClientMessage, ServerMessage } from "../../protocol/messages.ts";
import { readFragment } from "../../webviews/app/session.ts";
import { parseOverrides } from "../../webviews/app/overrides.ts";
import { SubscriptionBook } from "../../webviews/transport/subscription-book.ts";

const run = "run_1m7xtgkqnpx92vmy0";

function setUp(): { book: SubscriptionBook; sent: ClientMessage[] } {
  const sent: ClientMessage[] = [];
  return { book: new SubscriptionBook((message) => sent.push(message)), sent };
}

function newestId(sent: readonly ClientMessage[]): number {
  const message = sent.findLast((candidate) => candidate.type === "subscribe");
  if (message === undefined) throw new Error("nothing was subscribed");
  return message.id;
}

const log = (id: number, offset: number, text: string): ServerMessage => ({
  type: "log",
  id,
  attempt: 1,
  offset,
  next_offset: offset + text.length,
  text,
  skipped_bytes: 0,
});

describe("the subscription book", () => {
  it("asks once the link is up, and goes on from the newest cursor after a gap", () => {
    const { book, sent } = setUp();
    const cursors: unknown[] = [];
    book.subscribe({ topic: "series", run, metrics: ["*"], cursor: {} }, { frame: (header) => cursors.push(header.cursor) });
    expect(sent).toEqual([]);
    book.opened();
    const first = newestId(sent);
    const frame = (id: number, rows: number): Uint8Array =>
      encodeFrame({ type: "series", id, run, series: [], downsampled: [], cursor: { "1": rows }, reset: false }, new Uint8Array(0));
    book.receiveFrame(frame(first, 5));
    book.closed();
    book.opened();
    expect(sent.at(-1)).toMatchObject({ type: "subscribe", topic: { cursor: { "1": 5 } } });
    // A frame that was under way for the old subscription must not be counted again.
    book.receiveFrame(frame(first, 7));
    book.receiveFrame(frame(newestId(sent), 7));
    expect(cursors).toEqual([{ "1": 5 }, { "1": 7 }]);
  });

  it("asks again when a piece of the log is missing, and delivers it once", () => {
    const { book, sent } = setUp();
    let text = "";
    book.subscribe(
      { topic: "log", run, attempt: 1, offset: 0 },
      { message: (message) => (text += message.type === "log" ? message.text : "") },
    );
    book.opened();
    const first = newestId(sent);
    book.receive(log(first, 0, "abc"));
    book.receive(log(first, 6, "ghi"));
    expect(sent.slice(-2)).toMatchObject([
      { type: "unsubscribe", id: first },
      { type: "subscribe", topic: { offset: 3 } },
    ]);
    book.receive(log(newestId(sent), 3, "defghi"));
    expect(text).toBe("abcdefghi");
  });

  it("hands each event on once though a topic starts again from the first", () => {
    const { book, sent } = setUp();
    const seen: string[] = [];
    const event = (text: string) => ({ type: "message", time: "2026-01-01T00:00:00.000Z", level: "info", text }) as const;
    book.subscribe(
      { topic: "run", run },
      {
        message: (message) => {
          if (message.type === "events") seen.push(...message.events.flatMap((e) => (e.type === "message" ? [e.text] : [])));
        },
      },
    );
    book.opened();
    book.receive({ type: "events", id: newestId(sent), events: [event("a"), event("b")] });
    book.catchUp();
    book.receive({ type: "events", id: newestId(sent), events: [event("a"), event("b"), event("c")] });
    book.receive({ type: "events", id: newestId(sent), events: [event("d")] });
    expect(seen).toEqual(["a", "b", "c", "d"]);
  });

  it("does not ask again for what has ended, and takes a closed one back", () => {
    const { book, sent } = setUp();
    const subscription = book.subscribe({ topic: "system" }, {});
    book.subscribe({ topic: "log", run, attempt: 1, offset: 0 }, {});
    book.opened();
    book.receive({ type: "end", id: newestId(sent) });
    sent.length = 0;
    book.catchUp();
    expect(sent.filter((message) => message.type === "subscribe")).toHaveLength(1);
    subscription.close();
    expect(sent.at(-1)).toMatchObject({ type: "unsubscribe" });
  });
});

describe("the browser's address", () => {
  it("gives token and run, and refuses what is no run id", () => {
    expect(readFragment(`#token=abc&run=${run}`)).toEqual({ token: "abc", run });
    expect(readFragment("#run=../../etc")).toEqual({ token: null, run: null });
  });

  it("reads changed parameters line by line", () => {
    expect(parseOverrides("learning_rate=1e-4\n# note\nname=x=y\npacking=true\nlist=[1,2]\n")).toEqual({
      learning_rate: 1e-4,
      name: "x=y",
      packing: true,
      list: [1, 2],
    });
    expect(() => parseOverrides("nonsense")).toThrow(/line 1/);
  });
});
