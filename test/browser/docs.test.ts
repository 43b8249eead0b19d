/** The page to try the interface, in a real Chromium on a real server, which may stand behind a port forwarder. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { routes } from "../../protocol/routes.ts";
import { useChromium } from "./chromium.ts";
import { RealServer } from "./real-server.ts";

const chromium = useChromium();
let server: RealServer;
let page: Page;
beforeAll(async () => {
  server = await RealServer.start([{ params: { lr: 0.1 }, metrics: { loss: 0.5 }, record: { name: "<b>known</b>" } }]);
  page = await chromium.open(1200, 860);
}, 60_000);
afterAll(() => server.close());

const answer = async (): Promise<string> => {
  await page.getByTestId("answer").waitFor();
  return `${(await page.getByTestId("answer").textContent()) ?? ""}\n${(await page.getByTestId("answer-text").textContent()) ?? ""}`;
};

it("lists every operation, and keeps the token out of the address", async () => {
  const { url, token } = server.live.server;
  await page.goto(`${url}/docs#token=${token}`);
  await page.getByTestId("listRuns").waitFor();
  expect(page.url()).toBe(`${url}/docs`);
  for (const name of Object.keys(routes)) expect([name, await page.getByTestId(name).count()]).toEqual([name, 1]);
  await page.getByLabel("Search operations").fill("checkpoint tag");
  await expect.poll(() => page.locator("nav li").count()).toBe(3);
  await page.getByLabel("Search operations").fill("");
  expect(await page.content()).not.toContain(token);
});

it("sends what the form says and shows the answer as text", async () => {
  await page.getByTestId("listRuns").click();
  await page.getByLabel("filter").fill("metrics.loss < 1");
  await page.getByLabel("pretty").selectOption("true");
  await page.getByTestId("send").click();
  const shown = await answer();
  expect(shown).toMatch(/^200 · \d+ ms · application\/json/);
  expect(shown).toContain('"name": "<b>known</b>"');
  await page.getByText("As a command").click();
  expect(await page.getByText("curl -X GET").textContent()).toContain("filter=metrics.loss+%3C+1");
  expect(await page.getByText("curl -X GET").textContent()).toContain("$TRAINYARD_TOKEN");
  await page.getByLabel("filter").fill("metrics.los < 1");
  await page.getByTestId("send").click();
  await expect.poll(answer).toMatch(/^400 [\s\S]*no run has the field metrics\.los/);
});

it("begins a body with what it needs, and says what is missing", async () => {
  await page.getByTestId("getRun").click();
  await page.getByTestId("send").click();
  expect(await page.getByRole("alert").textContent()).toBe("id is needed");
  await page.getByTestId("queryRuns").click();
  expect(JSON.parse(await page.getByLabel("Body").inputValue())).toEqual({ fields: [] });
  await page.getByLabel("Body").fill('{"fields": ["record.name", "metrics.loss"]}');
  await page.getByTestId("send").click();
  await expect.poll(answer).toMatch(/^200 [\s\S]*"<b>known<\/b>",\s+0\.5/);
});

it("asks for the token where the address has none", async () => {
  const { url, token } = server.live.server;
  const other = await chromium.open(480, 700);
  await other.goto(`${url}/docs`);
  await other.getByLabel(/^Token of the server/).fill("wrong");
  await other.getByLabel(/^Token of the server/).press("Enter");
  expect(await other.getByRole("alert").textContent()).toBe("The token is not that of this server.");
  await other.getByLabel(/^Token of the server/).fill(token);
  await other.getByLabel(/^Token of the server/).press("Enter");
  await other.getByTestId("getServer").click();
  await other.getByTestId("send").click();
  await other.getByTestId("answer").waitFor();
  expect(other.url()).toBe(`${url}/docs`);
  await other.close();
});

/** Forwards `/proxy/1/…` to the server, as editors in a browser do for ports of their machine. */
async function forwarder(target: URL): Promise<{ readonly url: string; close(): void }> {
  const onwards = (request: http.IncomingMessage): http.ClientRequest =>
    http.request({
      host: target.hostname,
      port: target.port,
      method: request.method,
      path: request.url?.replace("/proxy/1", ""),
      headers: request.headers,
    });
  const proxy = http.createServer((request, response) => {
    const further = onwards(request).on("response", (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    request.pipe(further);
  });
  proxy.on("upgrade", (request, socket) => {
    onwards(request)
      .on("upgrade", (answer, other) => {
        const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}`);
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("\r\n")}\r\n\r\n`);
        other.on("error", () => socket.destroy());
        socket.on("error", () => other.destroy());
        other.pipe(socket).pipe(other);
      })
      .end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${String((proxy.address() as AddressInfo).port)}/proxy/1`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

it("finds the server behind a port forwarder that adds to the path, as the application does", async () => {
  const { url, token } = server.live.server;
  const proxy = await forwarder(new URL(url));
  const behind = await chromium.open(1200, 860);
  try {
    await behind.goto(`${proxy.url}/docs#token=${token}`);
    await behind.getByTestId("listRuns").click();
    await behind.getByTestId("send").click();
    await expect.poll(() => behind.getByTestId("answer").textContent()).toMatch(/^200/);
    await behind.getByText("As a command").click();
    expect(await behind.getByText("curl -X GET").textContent()).toContain(`${proxy.url}/api/runs`);
    await behind.goto(`${proxy.url}/#token=${token}&explore=`);
    await behind.getByTestId("explore-row").waitFor();
    // A change comes over the stream.
    const { runs } = await server.live.client.call("listRuns");
    await server.live.client.call("editRun", { params: { id: runs[0]!.id }, body: { name: "renamed behind it" } });
    await behind.getByTestId("explore-row").getByText("renamed behind it").waitFor();
  } finally {
    await behind.close();
    proxy.close();
  }
});
