/**
 * A small server for the browser tests: the real routes, messages and frames of protocol/, with a run whose points, log and
 * connection the test controls by hand. It also serves the web applications, built from their sources.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { WebSocketServer, type WebSocket } from "ws";
import { encodeFrame, type SeriesFrameHeader } from "../../protocol/frames.ts";
import { ClientMessage, WS_PATH, WS_PROTOCOL, type ServerMessage } from "../../protocol/messages.ts";
import { NotifyFile } from "../../protocol/notices.ts";
import { CreateRun, type RunDetail } from "../../protocol/queries.ts";
import { lineOf } from "../../protocol/line-of-run.ts";
import { RunSummary } from "../../protocol/run.ts";
import { routes } from "../../protocol/routes.ts";
import { encodeArrow } from "../../server/series/arrow.ts";
import { ROOT } from "../support/machine.ts";
import { CATALOGUE, dryRun, preflight } from "./fixture-recipe.ts";

export const RUN = "run_1m7xtgkqnpx92vmy0";
export const TOKEN = "t".repeat(43);
const START = Date.UTC(2026, 0, 1);

function runDetail(step: number): RunDetail {
  return {
    id: RUN,
    project: "demo",
    experiment: null,
    name: "addition",
    description: "",
    notes: "",
    tags: [],
    starred: false,
    archived: false,
    state: "running",
    state_reason: null,
    failure: null,
    recipe: "script",
    seed: null,
    parent: null,
    attempt: 1,
    created_at: new Date(START).toISOString(),
    started_at: new Date(START).toISOString(),
    ended_at: null,
    origin: "server",
    git: null,
    progress: {
      step,
      max_steps: 1000,
      epoch: null,
      max_epochs: null,
      fraction: Math.min(1, step / 1000),
      elapsed_seconds: step,
      eta_seconds: null,
      steps_per_second: 1,
    },
    params: { learning_rate: 0.1 },
    metrics: {},
    checkpoint_count: 0,
    forkable: false,
    damage: null,
    environment: null,
    run_dir: "/store/demo/runs/x",
    spec: null,
    resolved: null,
    attempts: [
      {
        version: 1,
        number: 1,
        kind: "start",
        resumed_from: null,
        launcher: "local",
        command: ["python", "train.py"],
        cwd: "/store",
        env: {},
        python: null,
        grace_seconds: 60,
        created_at: new Date(START).toISOString(),
        process: null,
        exit: null,
        first_step: 1,
        last_step: step,
        log_bytes: 0,
      },
    ],
  };
}

interface Subscriber {
  readonly socket: WebSocket;
  readonly run: string;
  readonly id: number;
  /** Rows or bytes sent so far. */
  at: number;
}

export class FixtureServer {
  readonly url: string;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #dist: string;
  readonly #series = new Map<string, Subscriber>();
  readonly #logs = new Map<string, Subscriber>();
  readonly #lists = new Map<string, Subscriber>();
  readonly #keys = new WeakMap<WebSocket, number>();
  #nextKey = 1;
  /** Runs besides RUN, which tests add. */
  readonly #others = new Map<string, RunDetail>();
  #refusing = false;
  #rows = 0;
  #log = "";

  static async start(): Promise<FixtureServer> {
    const dist = await mkdtemp(path.join(os.tmpdir(), "trainyard-webviews-"));
    await build({
      absWorkingDir: ROOT,
      entryPoints: Object.fromEntries(["app", "dashboard", "builder", "compare"].map((view) => [view, `webviews/${view}/main.ts`])),
      outdir: dist,
      bundle: true,
      splitting: true,
      format: "esm",
      target: "es2022",
      tsconfig: "webviews/tsconfig.json",
      logLevel: "error",
    });
    const http = createServer();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    return new FixtureServer(http, dist);
  }

  private constructor(http: Server, dist: string) {
    this.#http = http;
    this.#dist = dist;
    this.url = `http://127.0.0.1:${String((http.address() as AddressInfo).port)}`;
    http.on("request", (request, response) => void this.#answer(request, response));
    this.#sockets = new WebSocketServer({ noServer: true, handleProtocols: () => WS_PROTOCOL });
    http.on("upgrade", (request, socket, head) => {
      const offered = request.headers["sec-websocket-protocol"] ?? "";
      if (this.#refusing || request.url !== WS_PATH || !offered.includes(`bearer.${TOKEN}`)) {
        socket.destroy();
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (opened) => {
        this.#keys.set(opened, this.#nextKey++);
        opened.on("message", (data) => {
          this.#receive(opened, ClientMessage.parse(JSON.parse((data as Buffer).toString("utf8"))));
        });
      });
    });
  }

  get rows(): number {
    return this.#rows;
  }

  get assets(): string {
    return this.url;
  }

  address(): { url: string; token: string } {
    return { url: this.url, token: TOKEN };
  }

  run(id: string): RunDetail {
    return this.#others.get(id) ?? runDetail(this.#rows);
  }

  /** A finished run; its points are those of RUN, ten lower for each run that was added before it and itself. */
  addRun(part: Pick<RunDetail, "id" | "name"> & Partial<RunDetail>): void {
    const detail: RunDetail = { ...runDetail(this.#rows), state: "completed", ended_at: new Date(START + 1e6).toISOString(), ...part };
    this.#others.set(part.id, detail);
  }

  /** Adds points: one a step, value = 1000 - step. */
  append(count: number): void {
    this.#rows += count;
    for (const subscriber of this.#series.values()) this.#sendSeries(subscriber);
  }

  appendLog(text: string): void {
    this.#log += text;
    for (const subscriber of this.#logs.values()) this.#sendLog(subscriber);
  }

  /** Cuts every connection and refuses new ones until `up`. */
  down(): void {
    this.#refusing = true;
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#series.clear();
    this.#logs.clear();
    this.#lists.clear();
  }

  up(): void {
    this.#refusing = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
    await rm(this.#dist, { recursive: true });
  }

  #receive(socket: WebSocket, message: ClientMessage): void {
    const key = `${String(this.#keys.get(socket))}:${String(message.id)}`;
    if (message.type === "ping") this.#send(socket, { type: "pong", id: message.id });
    if (message.type === "unsubscribe") {
      this.#series.delete(key);
      this.#logs.delete(key);
      this.#lists.delete(key);
    }
    if (message.type !== "subscribe") return;
    const { topic, id } = message;
    switch (topic.topic) {
      case "runs":
        this.#lists.set(key, { socket, run: RUN, id, at: 0 });
        this.#send(socket, { type: "runs", id, runs: [RUN, ...this.#others.keys()].map((run) => lineOf(this.run(run))) });
        break;
      case "summaries":
        this.#send(socket, { type: "summaries", id, runs: topic.runs.map((run) => RunSummary.parse(this.run(run))), missing: [] });
        break;
      case "run":
        this.#send(socket, { type: "run", id, run: RunSummary.parse(this.run(topic.run)) });
        break;
      case "series": {
        const subscriber = { socket, run: topic.run, id, at: topic.cursor["1"] ?? 0 };
        this.#series.set(key, subscriber);
        this.#sendSeries(subscriber);
        break;
      }
      case "log": {
        const subscriber = { socket, run: topic.run, id, at: topic.offset };
        this.#logs.set(key, subscriber);
        this.#sendLog(subscriber);
        break;
      }
      case "system":
      case "notices":
      case "queue":
        break;
    }
  }

  #sendSeries(subscriber: Subscriber): void {
    const count = this.#rows - subscriber.at;
    if (count <= 0) return;
    const first = subscriber.at + 1;
    const offset = 10 * ([...this.#others.keys()].indexOf(subscriber.run) + 1);
    const steps = Float64Array.from({ length: count }, (_, i) => first + i);
    const body = encodeArrow([
      {
        name: "loss",
        steps,
        times: steps.map((step) => START + 1000 * step),
        values: steps.map((step) => 1000 - step - offset),
        attempts: new Int32Array(count).fill(1),
        downsampled: false,
      },
    ]);
    subscriber.at = this.#rows;
    const header: SeriesFrameHeader = {
      type: "series",
      id: subscriber.id,
      run: subscriber.run,
      series: ["loss"],
      downsampled: [false],
      cursor: { "1": this.#rows },
      reset: false,
    };
    subscriber.socket.send(encodeFrame(header, body));
  }

  #sendLog(subscriber: Subscriber): void {
    const text = this.#log.slice(subscriber.at);
    if (text === "") return;
    const offset = subscriber.at;
    subscriber.at = this.#log.length;
    this.#send(subscriber.socket, {
      type: "log",
      id: subscriber.id,
      attempt: 1,
      offset,
      next_offset: subscriber.at,
      text,
      skipped_bytes: 0,
    });
  }

  #send(socket: WebSocket, message: ServerMessage): void {
    socket.send(JSON.stringify(message));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? "/", this.url);
    const id = /^\/api\/runs\/(run_\w+)$/.exec(pathname)?.[1];
    const json = (body: unknown): void => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(body));
    };
    if (id !== undefined && (id === RUN || this.#others.has(id))) json(this.run(id));
    else if (pathname.endsWith("/checkpoints")) json({ checkpoints: [] });
    else if (pathname === "/api/system") json({ samples: [] });
    else if (pathname === routes.getNotifySettings.path) json({ ...NotifyFile.parse({}), webhooks: [] });
    else if (pathname === routes.listRecipes.path) json(CATALOGUE);
    else if (pathname === routes.dryRun.path) json(dryRun(CreateRun.parse(JSON.parse(await text(request)))));
    else if (pathname === routes.preflight.path) json(preflight(CreateRun.parse(JSON.parse(await text(request)))));
    else await this.#file(pathname, response);
  }

  async #file(pathname: string, response: ServerResponse): Promise<void> {
    const places: Readonly<Record<string, string>> = {
      "/": "webviews/app/index.html",
      "/codicon.css": "node_modules/@vscode/codicons/dist/codicon.css",
      "/codicon.ttf": "node_modules/@vscode/codicons/dist/codicon.ttf",
    };
    const place = places[pathname];
    const file = place === undefined ? path.join(this.#dist, path.basename(pathname)) : path.join(ROOT, place);
    try {
      const content = await readFile(file);
      const types: Readonly<Record<string, string>> = {
        ".js": "text/javascript",
        ".html": "text/html",
        ".css": "text/css",
        ".ttf": "font/ttf",
      };
      response.setHeader("content-type", types[path.extname(file)] ?? "application/octet-stream");
      // A module script of another origin, as in a VS Code webview.
      response.setHeader("access-control-allow-origin", "*");
      response.end(content);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  }
}
