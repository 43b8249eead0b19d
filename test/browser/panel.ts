/** A webview panel without VS Code: the page and the policy of src/panels, its relay, and a stand-in for VS Code's messages between them. */
import type { Page } from "playwright-core";
import { WebSocket } from "ws";
import { createClient } from "../../protocol/client.ts";
import type { Discovery } from "../../protocol/discovery.ts";
import { createStreamClient } from "../../protocol/stream-client.ts";
import type { PanelTarget, ToWebview } from "../../protocol/webview.ts";
import { Emitter } from "../../src/emitter.ts";
import { panelPage } from "../../src/panels/html.ts";
import { Relay } from "../../src/panels/relay.ts";
import type { ServerState } from "../../src/server/connection.ts";

/** What a panel is shown on. */
export interface PanelHost {
  /** Where the scripts of the views and the fonts are. */
  readonly assets: string;
  /** Of the run server, asked before each attempt to reach it. */
  address(): { readonly url: string; readonly token: string };
}

export interface Panel {
  /** A hidden panel loses the messages that are sent to it. */
  setVisible(visible: boolean): void;
  dispose(): void;
}

/** @param complaints gets what the relay logs */
export async function openPanel(page: Page, host: PanelHost, target: PanelTarget, complaints: string[]): Promise<Panel> {
  const states = new Emitter<ServerState>();
  let state: ServerState = { kind: "connecting", since: Date.now() };
  const stream = createStreamClient({
    address: () => host.address(),
    connect: (url, protocols) => new WebSocket(url, protocols),
    onStatus: (status) => {
      state =
        status.state === "connected"
          ? { kind: "connected", since: status.since, discovery: host.address() as Discovery }
          : { kind: "reconnecting", since: status.since, detail: status.detail ?? "" };
      states.fire(state);
    },
  });
  let visible = true;
  const post = (message: ToWebview): void => {
    // What VS Code does with messages to a hidden panel.
    if (!visible || page.isClosed()) return;
    const bytes = "bytes" in message ? Buffer.from(message.bytes).toString("base64") : null;
    void page.evaluate(
      ([plain, encoded]) => {
        const buffer = encoded === null ? null : Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0)).buffer;
        window.postMessage(buffer === null ? plain : { ...plain, bytes: buffer });
      },
      [Object.fromEntries(Object.entries(message).filter(([key]) => key !== "bytes")), bytes] as const,
    );
  };
  const relay = new Relay(
    {
      get state() {
        return state;
      },
      onState: states.event,
      subscribe: (topic, handlers) => stream.subscribe(topic, handlers),
      api: () => Promise.resolve(createClient(host.address())),
    },
    {
      post,
      onReady: () => {
        post({ type: "init", target, workspace: null, python: null, trusted: true });
      },
      onCommand: () => undefined,
      onTitle: () => undefined,
      onEdit: () => undefined,
      prepare: (_, body) => Promise.resolve(body),
      log: (line) => complaints.push(line),
    },
  );
  await page.exposeFunction("toHost", (message: unknown) => {
    relay.receive(message);
  });
  await page.addInitScript(() => {
    const host = globalThis as unknown as { toHost: (message: unknown) => Promise<void>; acquireVsCodeApi: () => unknown };
    host.acquireVsCodeApi = () => ({
      postMessage: (message: unknown) => void host.toHost(message),
      getState: () => undefined,
      setState: () => undefined,
    });
  });
  const html = panelPage({
    cspSource: host.assets,
    nonce: "abc123",
    script: `${host.assets}/${target.view}.js`,
    codicons: `${host.assets}/codicon.css`,
    title: target.view,
    view: target.view,
  });
  await page.route("**/panel", (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto(`${host.assets}/panel`);
  return {
    setVisible: (now) => {
      visible = now;
      relay.setVisible(now);
    },
    dispose: () => {
      relay.dispose();
      stream.close();
    },
  };
}
