/** Those who come and go: each does over its own connection what a page of the application does, for a while, and leaves, not always politely. */
import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { createClient, type ApiClient } from "../../../protocol/client.ts";
import type { RunId } from "../../../protocol/ids.ts";
import type { Topic } from "../../../protocol/messages.ts";
import { createStreamClient, type StreamClient } from "../../../protocol/stream-client.ts";
import type { Chance } from "../chaos/random.ts";

export interface Address {
  readonly url: string;
  readonly token: string;
}

export interface VisitCounts {
  visits: number;
  /** Answers over REST. */
  answers: number;
  /** Messages and frames of subscriptions, and the bytes of the frames. */
  messages: number;
  frameBytes: number;
}

/** As many as come at once at most: some windows, some browsers. */
const PLACES = 5;
const PAGES = ["dashboard", "dashboard", "compare", "explore", "tree", "command line", "idle reader"] as const;

/** Lets visitors come and go until `end` (ms since the epoch). @throws Error when one was told something that is no answer */
export async function letVisit(address: Address, runs: readonly RunId[], chance: Chance, end: number, counts: VisitCounts): Promise<void> {
  const place = async (): Promise<void> => {
    while (Date.now() < end) {
      await sleep(chance.between(0, 4000));
      const stayMs = Math.min(chance.happens(0.2) ? chance.between(20_000, 60_000) : chance.between(500, 10_000), end - Date.now());
      if (stayMs <= 0) return;
      counts.visits += 1;
      await visit(address, runs, chance, stayMs, counts);
    }
  };
  await Promise.all(Array.from({ length: PLACES }, place));
}

async function visit(address: Address, runs: readonly RunId[], chance: Chance, stayMs: number, counts: VisitCounts): Promise<void> {
  const page = chance.pick(PAGES);
  const api = createClient({ ...address, timeoutMs: 60_000 });
  const run = chance.pick(runs);
  const sockets: WebSocket[] = [];
  const stream = page === "command line" ? null : openStream(address, sockets);
  const subscribe = (topics: readonly Topic[]): void => {
    for (const topic of topics)
      stream?.subscribe(topic, {
        onMessage: () => (counts.messages += 1),
        onFrame: (_header, _body, frame) => {
          counts.messages += 1;
          counts.frameBytes += frame.length;
        },
      });
  };
  subscribe(topicsOf(page, run, runs));
  const leave = Date.now() + stayMs;
  try {
    do {
      counts.answers += await look(page, api, run, runs, chance);
      // A reader who went for a coffee: the socket is open and nobody takes what comes.
      if (page === "idle reader") for (const socket of sockets) socket.pause();
      await sleep(Math.min(chance.between(200, 3000), Math.max(0, leave - Date.now())));
    } while (Date.now() < leave);
  } finally {
    // A window that was closed says goodbye; one whose machine went away does not.
    if (chance.happens(0.3)) for (const socket of sockets) socket.terminate();
    stream?.close();
  }
}

function openStream(address: Address, sockets: WebSocket[]): StreamClient {
  return createStreamClient({
    address: () => address,
    connect: (url, protocols) => {
      const socket = new WebSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
  });
}

function topicsOf(page: (typeof PAGES)[number], run: RunId, runs: readonly RunId[]): Topic[] {
  switch (page) {
    case "dashboard":
    case "idle reader":
      return [
        { topic: "run", run },
        { topic: "system" },
        { topic: "series", run, metrics: ["*"], cursor: {} },
        { topic: "log", run, attempt: 1, offset: 0 },
      ];
    case "compare":
      return runs.slice(0, 4).flatMap<Topic>((one) => [
        { topic: "run", run: one },
        { topic: "series", run: one, metrics: ["*"], cursor: {} },
      ]);
    case "explore":
      return [{ topic: "runs" }];
    case "tree":
      return [{ topic: "runs" }, { topic: "system" }];
    case "command line":
      return [];
  }
}

/** One look at what the page shows. @returns how many requests were answered */
async function look(page: (typeof PAGES)[number], api: ApiClient, run: RunId, runs: readonly RunId[], chance: Chance): Promise<number> {
  const params = { id: run };
  switch (page) {
    case "dashboard":
    case "idle reader": {
      await api.call("getRun", { params });
      await api.call("listArtifacts", { params });
      const from = chance.between(0, 2000);
      await api.bytes("getSeries", { params, query: { metrics: "metric/1", from_step: from, to_step: from + 500, max_points: 2000 } });
      await api.bytes("getSystemSeries", { params, query: { metrics: "*", max_points: 1000 } });
      return 4;
    }
    case "compare":
      for (const id of runs.slice(0, 4)) await api.call("getRun", { params: { id } });
      return 4;
    case "explore":
      await api.call("listRuns", { query: { limit: 100, sort: "-created_at" } });
      await api.call("listFields", {});
      return 2;
    case "tree":
      await api.call("listRuns", { query: { limit: 1000 } });
      await api.call("getSeries", { params, query: { metrics: "metric/0", max_points: 100, format: "json" } });
      return 2;
    case "command line":
      await api.call("listSeries", { params });
      await api.call("getLog", { params, query: { page_size: 200 } });
      await api.call("getSeries", { params, query: { metrics: "metric/0,metric/9", max_points: 10_000, format: "json" } });
      return 3;
  }
}
