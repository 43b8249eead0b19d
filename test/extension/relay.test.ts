import { describe, expect, it, vi } from "vitest";
import type { ApiClient } from "../../protocol/client.ts";
import { TrainyardError } from "../../protocol/errors.ts";
import { decodeFrame, encodeFrame, type SeriesFrameHeader } from "../../protocol/frames.ts";
import type { Topic } from "../../protocol/messages.ts";
import type { SubscriptionHandlers } from "../../protocol/stream-client.ts";
import type { ToWebview } from "../../protocol/webview.ts";
import { Emitter } from "../../src/emitter.ts";
import { escapeHtml, panelPage } from "../../src/panels/html.ts";
import { Relay } from "../../src/panels/relay.ts";
import { prepareRequest } from "../../src/panels/requests.ts";
import type { ServerState } from "../../src/server/connection.ts";

const RUN = "run_0123456789abcdefg";
const CONNECTED = { kind: "connected", since: 0, discovery: {} } as unknown as ServerState;

/** The two sides of a relay in memory: what went to the webview, and the subscriptions that are open at the server. */
function bench() {
  const states = new Emitter<ServerState>();
  let state: ServerState = CONNECTED;
  const open = new Map<number, { topic: Topic; handlers: SubscriptionHandlers }>();
  let next = 100;
  const calls: { name: string; input: unknown }[] = [];
  const api = {
    call: (name: string, input: unknown) => {
      calls.push({ name, input });
      return Promise.resolve({ ok: name });
    },
    bytes: (name: string, input: unknown) => {
      calls.push({ name, input });
      return Promise.resolve(Buffer.from("bytes"));
    },
  } as unknown as ApiClient;
  const sent: ToWebview[] = [];
  const relay = new Relay(
    {
      get state() {
        return state;
      },
      onState: states.event,
      subscribe(topic, handlers) {
        const id = next++;
        open.set(id, { topic, handlers });
        return { id, topic, close: () => open.delete(id) };
      },
      api: () => Promise.resolve(api),
    },
    {
      post: (message) => sent.push(message),
      onReady: () => undefined,
      onCommand: () => undefined,
      onTitle: () => undefined,
      onEdit: () => undefined,
      prepare: (route, body) => prepareRequest(route, body, { baseDir: "/ws", trusted: true, python: () => Promise.resolve("/py") }),
      log: () => undefined,
    },
  );
  const setState = (value: ServerState) => {
    state = value;
    states.fire(value);
  };
  return { relay, sent, open, calls, setState };
}

const answered = async (sent: ToWebview[], request: number) =>
  vi.waitFor(() => {
    const found = sent.find((m) => m.type === "response" && m.request === request);
    if (found?.type !== "response") throw new Error("no answer yet");
    return found;
  });

describe("requests", () => {
  it("reach the server and come back; bytes as an ArrayBuffer of exactly their length", async () => {
    const { relay, sent, calls } = bench();
    relay.receive({ type: "request", request: 1, route: "getRun", params: { id: RUN }, query: {} });
    expect(await answered(sent, 1)).toMatchObject({ ok: true, body: { ok: "getRun" } });
    relay.receive({ type: "request", request: 2, route: "getSeries", params: { id: RUN }, query: { metrics: "loss", max_points: 100 } });
    const answer = await answered(sent, 2);
    if (!answer.ok || !("bytes" in answer)) throw new Error("no bytes");
    expect(answer.bytes).toBeInstanceOf(ArrayBuffer);
    expect(Buffer.from(answer.bytes).toString()).toBe("bytes");
    expect(calls.map((call) => call.name)).toEqual(["getRun", "getSeries"]);
  });

  it.each([
    [{ route: "shutdown", params: {}, query: {} }, "forbidden"],
    [{ route: "constructor", params: {}, query: {} }, "forbidden"],
    [{ route: "getRun", params: { id: "../../etc" }, query: {} }, "bad_request"],
    [{ route: "getSeries", params: { id: RUN }, query: {} }, "bad_request"],
    [{ route: "createRun", params: {}, query: {}, body: { spec: { recipe: 1 } } }, "bad_request"],
    [{ route: 5 }, "bad_request"],
  ])("%j is refused with %s", async (request, code) => {
    const { relay, sent, calls } = bench();
    relay.receive({ type: "request", request: 7, ...request });
    expect(await answered(sent, 7)).toMatchObject({ ok: false, error: { error: { code } } });
    expect(calls).toEqual([]);
  });

  it("take the editor's interpreter and folder where they name none", async () => {
    const { relay, sent, calls } = bench();
    relay.receive({ type: "request", request: 1, route: "createRun", params: {}, query: {}, body: { spec: { recipe: "script" } } });
    await answered(sent, 1);
    expect(calls[0]?.input).toMatchObject({ body: { spec: { recipe: "script", python: "/py" }, base_dir: "/ws" } });
    relay.receive({
      type: "request",
      request: 2,
      route: "createRun",
      params: {},
      query: {},
      body: { spec: { recipe: "script", python: "/mine" }, base_dir: "/b" },
    });
    await answered(sent, 2);
    expect(calls[1]?.input).toMatchObject({ body: { spec: { python: "/mine" }, base_dir: "/b" } });
  });

  it("start nothing in a workspace that is not trusted", async () => {
    const untrusted = { baseDir: "/ws", trusted: false, python: () => Promise.reject(new Error("not even looked for")) };
    for (const route of ["createRun", "resumeRun", "startRun", "preflight", "dryRun", "listRecipes"] as const)
      await expect(prepareRequest(route, {}, untrusted)).rejects.toBeInstanceOf(TrainyardError);
    await expect(prepareRequest("getRun", undefined, untrusted)).resolves.toBeUndefined();
  });
});

describe("the stream", () => {
  const frame: SeriesFrameHeader = {
    type: "series",
    id: 100,
    run: RUN,
    series: ["loss"],
    downsampled: [false],
    cursor: { "1": 5 },
    reset: false,
  };
  const subscribe = (id: number) => ({
    type: "stream",
    message: { type: "subscribe", id, topic: { topic: "series", run: RUN, metrics: ["loss"], cursor: {} } },
  });

  it("keeps the panel's own ids, in messages and in frames", () => {
    const { relay, sent, open } = bench();
    relay.receive(subscribe(3));
    const { handlers } = [...open.values()][0]!;
    handlers.onFrame?.(frame, new Uint8Array([1, 2, 3]), encodeFrame(frame, new Uint8Array([1, 2, 3])));
    handlers.onMessage?.({ type: "end", id: 100 });
    const bytes = sent.find((m) => m.type === "frame")?.bytes;
    const decoded = decodeFrame(new Uint8Array(bytes!));
    expect(decoded.header).toEqual({ ...frame, id: 3 });
    expect([...decoded.body]).toEqual([1, 2, 3]);
    expect(sent).toContainEqual({ type: "message", message: { type: "end", id: 3 } });
  });

  it("closes what a panel subscribed when it hides, is reloaded, or is gone", () => {
    const { relay, open } = bench();
    relay.receive(subscribe(1));
    relay.receive(subscribe(1));
    expect(open.size).toBe(1);
    relay.setVisible(false);
    expect(open.size).toBe(0);
    relay.setVisible(true);
    relay.receive(subscribe(2));
    relay.receive({ type: "ready" });
    expect(open.size).toBe(0);
    relay.receive(subscribe(1));
    relay.receive({ type: "stream", message: { type: "unsubscribe", id: 1 } });
    expect(open.size).toBe(0);
    relay.receive(subscribe(4));
    relay.dispose();
    expect(open.size).toBe(0);
  });

  it("says connected again when the panel shows again, so that it catches up; nothing while it is hidden", () => {
    const { relay, sent, setState } = bench();
    const told = () => sent.flatMap((m) => (m.type === "connection" ? [m.state] : []));
    relay.receive({ type: "ready" });
    expect(told()).toEqual(["connected"]);
    relay.setVisible(false);
    setState({ kind: "reconnecting", since: 1, detail: "lost" });
    setState(CONNECTED);
    expect(told()).toEqual(["connected"]);
    relay.setVisible(true);
    expect(told()).toEqual(["connected", "connected"]);
  });

  it("drops its subscriptions with the connection: the webview subscribes again from its cursors", () => {
    const { relay, open, setState } = bench();
    relay.receive(subscribe(1));
    setState({ kind: "reconnecting", since: 1, detail: "lost" });
    expect(open.size).toBe(0);
  });
});

describe("the page", () => {
  const page = panelPage({
    cspSource: "https://*.test",
    nonce: "N0nce",
    script: "https://x.test/a.js?a&b",
    codicons: "https://x.test/c.css",
    title: `"><script>alert(1)</script>`,
    view: "dashboard",
  });

  it("lets nothing in but its own module, styles and font", () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll("&#39;", "'");
    expect(policy).toBe(
      "default-src 'none'; script-src 'nonce-N0nce'; style-src https://*.test 'nonce-N0nce'; font-src https://*.test; img-src https://*.test data: blob:; media-src blob:",
    );
    expect(page).not.toContain("unsafe");
  });

  it("escapes what it is given", () => {
    expect(page).not.toContain("<script>alert");
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(escapeHtml(`<&">'`)).not.toMatch(/[<>"']/);
  });
});
