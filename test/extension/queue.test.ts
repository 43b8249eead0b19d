/** The queue as a window draws it: the board over the stream, the words of the tree, what its menus match on. */
import { describe, expect, it } from "vitest";
import type { ServerMessage, Topic } from "../../protocol/messages.ts";
import type { Queue, QueueHistoryEntry } from "../../protocol/queue.ts";
import type { SubscriptionHandlers } from "../../protocol/stream-client.ts";
import { QueueBoard } from "../../src/runs/queue-board.ts";
import { historyText, isShown, placeText, queueDescription } from "../../src/runs/queue-text.ts";
import { nodeId, runContext } from "../../src/runs/run-nodes.ts";
import { runLine } from "./run-samples.ts";

const { id, name, project, recipe } = runLine();
const place = { id, name, project, recipe, position: 1, queued_at: "2026-01-01T00:00:00Z", reason: "Waits for other to end." };
const queue: Queue = {
  concurrency: 1,
  paused_at: null,
  wait_for_gpus: false,
  running: [{ id: "run_00000000000000001", name: "other", project, state: "running", started_at: null }],
  waiting: [place],
};

describe("the queue in words", () => {
  it("counts, and says that it is paused", () => {
    expect(queueDescription(queue)).toBe("1 waiting · 1 of 1 running");
    expect(queueDescription({ ...queue, paused_at: "2026-01-01T00:00:00Z" })).toBe("paused · 1 waiting · 1 of 1 running");
    expect(queueDescription({ ...queue, wait_for_gpus: true })).toBe("1 waiting · 1 of 1 running · for free GPUs");
    expect(placeText(place)).toBe("#1 · Waits for other to end");
  });

  it("has a row in the tree only while somebody is in it", () => {
    expect([null, queue, { ...queue, waiting: [] }, { ...queue, waiting: [], running: [] }].map(isShown)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  it("tells what came of a stay", () => {
    const entry: QueueHistoryEntry = {
      ...{ id, name, project, attempt: 1, state: "completed", state_reason: null, left: "started", waited_seconds: 190 },
      ...{ queued_at: "2026-01-01T00:00:00Z", left_at: "2026-01-01T00:03:10Z" },
      ...{ started_at: "2026-01-01T00:03:10Z", ended_at: "2026-01-01T02:08:10Z" },
    };
    expect(historyText(entry)).toBe("completed · waited 3 min 10 s · ran 2 h 05 min");
    expect(historyText({ ...entry, ended_at: null, state: "running" })).toBe("running · waited 3 min 10 s");
    expect(historyText({ ...entry, left: "removed", state: "draft" })).toBe("taken out · waited 3 min 10 s");
  });
});

describe("a waiting run in the tree", () => {
  it("is a row of the queue beside that of its project, with the menu of both", () => {
    const stay = { queued_at: "2026-01-01T00:00:00Z", left_at: null, left: null, attempt: null };
    expect(nodeId({ kind: "waiting", run: id })).not.toBe(nodeId({ kind: "run", run: id }));
    expect(runContext(runLine({ state: "queued", queue: stay }))).toBe("run queued waiting");
    expect(runContext(runLine({ state: "queued" }))).toBe("run queued");
    expect(runContext(runLine({ state: "draft", queue: { ...stay, left_at: "2026-01-01T00:00:01Z", left: "removed" } }))).toBe("run draft");
  });
});

describe("the board of the queue", () => {
  it("follows it once the server is there, and lets go", () => {
    const topics: Topic[] = [];
    const said: { tell: ((message: ServerMessage) => void) | null; closed: number } = { tell: null, closed: 0 };
    let connected = (): void => undefined;
    const board = new QueueBoard({
      state: { kind: "idle" },
      onState: (listener) => {
        connected = () => {
          listener({ kind: "connected" } as Parameters<typeof listener>[0]);
        };
        return { dispose: () => undefined };
      },
      subscribe: (topic: Topic, handlers: SubscriptionHandlers) => {
        topics.push(topic);
        said.tell = (message) => handlers.onMessage?.(message);
        return { close: () => said.closed++ };
      },
    });
    const heard: Queue[] = [];
    board.onChange((now) => heard.push(now));
    expect([topics.length, board.queue]).toEqual([0, null]);
    connected();
    connected();
    expect(topics).toEqual([{ topic: "queue" }]);
    said.tell?.({ type: "queue", id: 1, queue });
    expect(heard).toEqual([queue]);
    expect(board.place(id)?.position).toBe(1);
    expect(board.place("run_00000000000000001")).toBeUndefined();
    board.dispose();
    expect(said.closed).toBe(1);
  });
});
