import { spawn } from "node:child_process";
import { appendFile, writeFile } from "node:fs/promises";
import { tableFromIPC } from "apache-arrow";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import WebSocket from "ws";
import type { SeriesFrameHeader } from "../../protocol/frames.ts";
import { WS_PATH, WS_PROTOCOL, type ServerMessage, type Topic } from "../../protocol/messages.ts";
import { MetricFileWriter } from "../../server/store/metric-writer.ts";
import { openStore } from "../../server/store/store.ts";
import type { RunFolder } from "../../server/store/types.ts";
import { liveRuns } from "../faults/live-run.ts";
import { eventually, LiveServer } from "./live-server.ts";

let live: LiveServer;
let run: RunFolder;

beforeEach(async () => {
  live = await LiveServer.folder();
  run = await live.addRun({ name: "watched" });
});
afterEach(async () => {
  await live.remove();
});

/** What a chart holds: the points by step, put together from frames as a client does. */
class Curve {
  readonly points: { step: number; value: number }[] = [];
  /** Of each point, where a moving average was asked for. */
  readonly averages: number[] = [];
  frames = 0;
  resets = 0;
  readonly take = (header: SeriesFrameHeader, body: Uint8Array): void => {
    this.frames++;
    if (header.reset) {
      this.resets++;
      this.points.length = this.averages.length = 0;
    }
    const table = tableFromIPC(body);
    const steps = table.getChild("step");
    const values = table.getChild("value");
    for (let i = 0; i < table.numRows; i++) this.points.push({ step: Number(steps?.get(i)), value: Number(values?.get(i)) });
    const averages = table.getChild("smoothed");
    if (averages !== null) for (let i = 0; i < table.numRows; i++) this.averages.push(Number(averages.get(i)));
  };
}

/** A connection as anybody could make it; resolves with the status that refused it, or with "open". */
function connect(protocols: string[], headers: Record<string, string> = {}, path = WS_PATH): Promise<number | "open"> {
  return new Promise((resolve) => {
    const socket = new WebSocket(live.server.url.replace("http", "ws") + path, protocols, { headers });
    socket.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on("error", () => undefined);
    socket.on("open", () => {
      resolve("open");
      socket.close();
    });
  });
}

describe("access", () => {
  it("needs token, protocol, host and origin", async () => {
    await live.start();
    const bearer = `bearer.${live.server.token}`;
    expect(await connect([WS_PROTOCOL, bearer])).toBe("open");
    expect(await connect([WS_PROTOCOL, bearer], { origin: "vscode-webview://x" })).toBe("open");
    expect(await connect([WS_PROTOCOL, bearer], { origin: live.server.url })).toBe("open");
    expect(await connect([WS_PROTOCOL])).toBe(401);
    expect(await connect([WS_PROTOCOL, "bearer.wrong"])).toBe(401);
    expect(await connect([bearer])).toBe(400);
    expect(await connect([WS_PROTOCOL, bearer], { origin: "http://evil.example" })).toBe(403);
    expect(await connect([WS_PROTOCOL, bearer], { host: "evil.example" })).toBe(403);
    expect(await connect([WS_PROTOCOL, bearer], {}, "/api/elsewhere")).toBe(404);
  });
});

describe("series", () => {
  it("has no gap and no duplicate over lost connections and a server that was started anew", async () => {
    await live.start();
    const sockets: WebSocket[] = [];
    const client = live.stream({
      connect: (url, protocols) => {
        const socket = new WebSocket(url, protocols);
        sockets.push(socket);
        return socket;
      },
    });
    const curve = new Curve();
    client.subscribe({ topic: "series", run: run.record.id, metrics: ["loss"], cursor: {} }, { onFrame: curve.take });
    await eventually(() => curve.frames > 0, "the first frame");

    const writer = await MetricFileWriter.open(run.paths.attempt(1).metrics);
    const total = 300;
    for (let step = 1; step <= total; step++) {
      await writer.append(Date.now(), step, { loss: step / 2, other: 1 });
      if (step % 60 === 0) sockets.at(-1)?.terminate();
      if (step === 150) {
        await live.server.close();
        await live.start();
      }
      if (step % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await writer.close();
    await live.client.call("refresh");
    await eventually(() => curve.points.length >= total || undefined, `${total} points`).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(curve.points.map((point) => point.step)).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(curve.points.every((point) => point.value === point.step / 2)).toBe(true);
    expect(sockets.length).toBeGreaterThan(3);
    expect(curve.resets).toBeLessThanOrEqual(1);
  });

  it("comes with its moving average over every point: thinned, appended, after a restart of the server, and in a window that is asked for", async () => {
    const weight = 0.97;
    // The first step is there already.
    const value = (step: number): number => (step === 1 ? 0 : step % 500 === 7 ? Number.NaN : Math.sin(step / 90) + (step % 10));
    const averages = new Map<number, number>();
    let [sum, whole] = [0, 0];
    for (let step = 1; step < 6000; step++) {
      if (!Number.isNaN(value(step))) [sum, whole] = [sum * weight + value(step), whole * weight + 1];
      averages.set(step, Number.isNaN(value(step)) ? Number.NaN : sum / whole);
    }
    const training = spawn("sleep", ["120"], { stdio: "ignore" });
    onTestFinished(() => void training.kill("SIGKILL"));
    const [id = ""] = await liveRuns(live.store, training.pid ?? 0, 1, new Date().toISOString());
    const store = await openStore(live.store);
    const writer = await MetricFileWriter.open((await store.read(id)).paths.attempt(1).metrics);
    store.close();
    onTestFinished(() => writer.close());
    const log = (from: number, to: number): Promise<unknown> =>
      Promise.all(Array.from({ length: to - from }, (_, i) => writer.append(1e12 + from + i, from + i, { loss: value(from + i) })));
    await log(2, 5000);
    await live.start();
    const curve = new Curve();
    const topic: Topic = { topic: "series", run: id, metrics: ["loss"], cursor: {}, max_points: 1000, smoothing: weight };
    live.stream().subscribe(topic, { onFrame: curve.take });
    const holds = async (last: number): Promise<void> => {
      await eventually(() => curve.points.at(-1)?.step === last, `the point of step ${last}`);
      expect(curve.averages).toHaveLength(curve.points.length);
      const off = curve.points.filter(({ step }, i) => {
        const [is, should] = [curve.averages[i]!, averages.get(step)!];
        return Number.isNaN(should) ? !Number.isNaN(is) : !(Math.abs(is - should) < 1e-9);
      });
      expect(off).toEqual([]);
    };
    await holds(4999);
    expect(curve.points.length).toBeLessThanOrEqual(1000);
    await log(5000, 5400);
    await holds(5399);
    await live.server.close();
    await live.start();
    await log(5400, 6000);
    await holds(5999);

    const params = { id };
    const window = { metrics: "loss", from_step: 5200.5, to_step: 5210, beside: "true", smoothing: weight, format: "json" } as const;
    const answer = await live.client.call("getSeries", { params, query: window });
    expect(answer.smoothing).toBe(weight);
    const [{ steps, smoothed } = { steps: [], smoothed: [] }] = answer.series;
    expect(steps).toEqual(Array.from({ length: 12 }, (_, i) => 5200 + i));
    for (const [i, step] of steps.entries()) expect(smoothed?.[i]).toBeCloseTo(averages.get(step)!, 9);
    const gap = { ...window, from_step: 5007, to_step: 5007, beside: "false" } as const;
    expect((await live.client.call("getSeries", { params, query: gap })).series[0]?.smoothed).toEqual(["NaN"]);
    const plain = await live.client.call("getSeries", { params, query: { metrics: "loss", format: "json" } });
    expect([plain.smoothing, plain.series[0]?.smoothed]).toEqual([undefined, undefined]);
  });

  it("reaches fifty who look at once, each point once, over a server that was started anew", async () => {
    const training = spawn("sleep", ["120"], { stdio: "ignore" });
    try {
      const [id = ""] = await liveRuns(live.store, training.pid ?? 0, 1, new Date().toISOString());
      await live.start();
      const curves = Array.from({ length: 50 }, () => {
        const curve = new Curve();
        live.stream().subscribe({ topic: "series", run: id, metrics: ["loss"], cursor: {} }, { onFrame: curve.take });
        return curve;
      });
      const store = await openStore(live.store);
      const writer = await MetricFileWriter.open((await store.read(id)).paths.attempt(1).metrics);
      store.close();
      const logged = async (total: number): Promise<void> => {
        // The first step is there already.
        for (let step = total - 98; step <= total; step++) await writer.append(Date.now(), step, { loss: step / 2 });
        await eventually(() => curves.every((curve) => curve.points.length >= total), `${total} points for everybody`);
      };
      await logged(100);
      await live.server.close();
      await live.start();
      await logged(199);
      await writer.close();
      const steps = Array.from({ length: 199 }, (_, i) => i + 1);
      for (const curve of curves) expect(curve.points.map((point) => point.step)).toEqual(steps);
    } finally {
      training.kill("SIGKILL");
    }
  });

  it("comes as one downsampled curve when the backlog is long", async () => {
    const writer = await MetricFileWriter.open(run.paths.attempt(1).metrics);
    await Promise.all(Array.from({ length: 20_000 }, (_, step) => writer.append(1e12 + step, step, { loss: step === 7777 ? 999 : 1 })));
    await writer.close();
    await live.start();
    const curve = new Curve();
    live.stream().subscribe({ topic: "series", run: run.record.id, metrics: ["lo*"], cursor: {} }, { onFrame: curve.take });
    await eventually(() => curve.points.length > 0);
    expect(curve.points.length).toBeLessThanOrEqual(5_000);
    expect(Math.max(...curve.points.map((point) => point.value))).toBe(999);
    const coarse = new Curve();
    const topic: Topic = { topic: "series", run: run.record.id, metrics: ["loss"], cursor: {}, max_points: 500 };
    live.stream().subscribe(topic, { onFrame: coarse.take });
    await eventually(() => coarse.points.length > 0);
    expect(coarse.points.length).toBeLessThanOrEqual(500);
    expect(Math.max(...coarse.points.map((point) => point.value))).toBe(999);
  });
});

describe("log", () => {
  it("comes whole, cut between characters, and ends with the attempt", async () => {
    const log = run.paths.attempt(1).log;
    const text = "déjà vu – 训练 🚂\n".repeat(300);
    await writeFile(log, text);
    await live.start();
    let received = "";
    let over = false;
    const offsets: number[] = [];
    live.stream().subscribe(
      { topic: "log", run: run.record.id, attempt: 1, offset: 0 },
      {
        onMessage: (message) => {
          if (message.type === "end") over = true;
          if (message.type !== "log") return;
          offsets.push(message.offset);
          expect(message.next_offset - message.offset).toBe(Buffer.byteLength(message.text));
          received += message.text;
        },
      },
    );
    await eventually(() => over, "the end");
    expect(received).toBe(text);
    expect(offsets[0]).toBe(0);
  });

  it("gives up waiting for the rest of a character that a killed process began", async () => {
    await writeFile(run.paths.attempt(1).log, Buffer.from([0x61, 0xf0, 0x9f]));
    await live.start();
    const messages: ServerMessage[] = [];
    live
      .stream()
      .subscribe({ topic: "log", run: run.record.id, attempt: 1, offset: 0 }, { onMessage: (message) => messages.push(message) });
    await eventually(() => messages.at(-1)?.type === "end");
    expect(messages.map((message) => (message.type === "log" ? message.text : message.type))).toEqual(["a", "\ufffd", "end"]);
  });

  it("takes a reader who is far behind to the newest part, and says how much it passed over", async () => {
    const line = `${"x".repeat(99)}\n`;
    await writeFile(run.paths.attempt(1).log, line.repeat(30_000));
    await live.start();
    const messages: Extract<ServerMessage, { type: "log" }>[] = [];
    let over = false;
    live.stream().subscribe(
      { topic: "log", run: run.record.id, attempt: 1, offset: 0 },
      {
        onMessage: (message) => {
          if (message.type === "log") messages.push(message);
          over ||= message.type === "end";
        },
      },
    );
    await eventually(() => over);
    expect(messages[0]?.skipped_bytes).toBeGreaterThan(1_900_000);
    expect(messages.reduce((sum, message) => sum + message.skipped_bytes + Buffer.byteLength(message.text), 0)).toBe(3_000_000);
    expect(messages[0]?.text.startsWith("xxx")).toBe(true);
  });
});

describe("a run", () => {
  it("tells of one run: its events once each over a reconnect, its checkpoints, its end", async () => {
    const event = (text: string): string => `${JSON.stringify({ type: "message", time: new Date().toISOString(), level: "info", text })}\n`;
    await appendFile(run.paths.eventsJsonl, event("one") + event("two"));
    await live.start();
    let socket: WebSocket | undefined;
    const seen: string[] = [];
    const types = new Set<string>();
    live.stream({ connect: (url, protocols) => (socket = new WebSocket(url, protocols)) }).subscribe(
      { topic: "run", run: run.record.id },
      {
        onMessage: (message) => {
          types.add(message.type);
          if (message.type === "events") for (const item of message.events) if (item.type === "message") seen.push(item.text);
        },
      },
    );
    await eventually(() => seen.length === 2);
    const before = socket;
    before?.terminate();
    await eventually(() => socket !== before && socket?.readyState === WebSocket.OPEN, "the second connection");
    await live.client.call("editRun", { params: { id: run.record.id }, body: { notes: "changed" } });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(seen).toEqual(["one", "two"]);
    expect([...types]).toEqual(expect.arrayContaining(["run", "events", "checkpoints"]));
    await live.client.call("deleteRun", { params: { id: run.record.id } });
    await eventually(() => types.has("end"), "the end");
  });

  it("refuses a run that is not there, and samples the machine", async () => {
    await live.start();
    const client = live.stream();
    const errors: string[] = [];
    const id = `${run.record.id.slice(0, -1)}${run.record.id.endsWith("0") ? "1" : "0"}`;
    for (const topic of ["run", "log", "series"] as const) {
      client.subscribe(
        topic === "run"
          ? { topic, run: id }
          : topic === "log"
            ? { topic, run: id, attempt: 1, offset: 0 }
            : { topic, run: id, metrics: ["*"], cursor: {} },
        { onError: (error) => errors.push(error.code) },
      );
    }
    await eventually(() => errors.length === 3);
    expect(errors).toEqual(["not_found", "not_found", "not_found"]);
    let sampled = false;
    client.subscribe({ topic: "system" }, { onMessage: (message) => (sampled ||= message.type === "system") });
    await eventually(() => sampled, "a sample");
  });
});

/** The long form (docs/reliability.md) asks for more. */
const FRAMES = Number(process.env["TRAINYARD_TEST_FRAMES"] ?? "300");

describe("a connection", () => {
  it(
    "survives whatever a client says",
    async () => {
      await live.start();
      const socket = new WebSocket(live.server.url.replace("http", "ws") + WS_PATH, [WS_PROTOCOL, `bearer.${live.server.token}`]);
      const answers: ServerMessage[] = [];
      socket.on("message", (data, isBinary) => {
        if (!isBinary) answers.push(JSON.parse((data as Buffer).toString()) as ServerMessage);
      });
      await new Promise((resolve) => socket.once("open", resolve));
      const topic = fc.oneof(
        fc.record({
          topic: fc.constantFrom("runs", "run", "series", "log", "system", "x"),
          run: fc.oneof(fc.string(), fc.constant(run.record.id)),
        }),
        fc.jsonValue(),
      );
      const message = fc.oneof(
        fc.string(),
        fc.json(),
        fc
          .record({
            type: fc.constantFrom("subscribe", "unsubscribe", "nonsense"),
            id: fc.oneof(fc.nat({ max: 5 }), fc.jsonValue()),
            topic,
          })
          .map((m) => JSON.stringify(m)),
      );
      const bytes = fc.uint8Array({ maxLength: 200 });
      for (const frame of fc.sample(fc.oneof({ weight: 5, arbitrary: message }, { weight: 1, arbitrary: bytes }), FRAMES)) {
        socket.send(frame);
        // The server reads one message after the other; so does the test, or its own memory would hold them all.
        if (socket.bufferedAmount > 100_000) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      socket.send(JSON.stringify({ type: "ping", id: 42 }));
      await eventually(() => answers.some((answer) => answer.type === "pong" && answer.id === 42), "the pong");
      expect(answers.some((answer) => answer.type === "error" && answer.id === null)).toBe(true);
      expect(answers.some((answer) => answer.type === "error" && answer.code === "internal")).toBe(false);
      socket.terminate();
      expect(live.logged).toEqual([]);
    },
    20_000 + 20 * FRAMES,
  );

  it("gets no endless queue when it does not read", async () => {
    const runs: string[] = [];
    for (let n = 0; n < 40; n++) runs.push((await live.addRun({ name: `run ${n}`, notes: "n".repeat(50_000) })).record.id);
    await live.start();
    const socket = new WebSocket(live.server.url.replace("http", "ws") + WS_PATH, [WS_PROTOCOL, `bearer.${live.server.token}`]);
    await new Promise((resolve) => socket.once("open", resolve));
    socket.pause();
    // Each would bring two megabytes at once.
    for (let id = 0; id < 200; id++) socket.send(JSON.stringify({ type: "subscribe", id, topic: { topic: "summaries", runs } }));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const rss = process.memoryUsage().rss;
    expect((await live.client.call("getServer")).runs).toBe(41);
    await new Promise((resolve) => setTimeout(resolve, 700));
    // 200 answers would be 400 MB.
    expect(process.memoryUsage().rss - rss).toBeLessThan(100 * 1024 * 1024);
    let bytes = 0;
    socket.on("message", (data) => (bytes += (data as Buffer).length));
    socket.resume();
    await eventually(() => bytes > 20_000_000, "the rest once it reads again");
    socket.terminate();
  });

  it("says what state it is in, and goes on trying", async () => {
    await live.start();
    const states: string[] = [];
    const client = live.stream({ onStatus: (status) => states.push(status.state) });
    await eventually(() => client.status.state === "connected");
    await live.server.close();
    await eventually(() => client.status.state === "reconnecting");
    await live.start();
    client.retryNow();
    await eventually(() => client.status.state === "connected");
    expect(states).toEqual(["connected", "reconnecting", "connected"]);
    const lost = live.stream({ address: () => Promise.reject(new Error("no server to be found")) });
    await eventually(() => lost.status.state === "failed" && lost.status.detail === "no server to be found");
  });
});
