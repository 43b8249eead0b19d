/** Another program that takes webhooks: a real HTTP server on loopback. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export class Receiver {
  readonly received: Received[] = [];
  /** Status of each answer by its number, from 0 on. */
  answer: (number: number) => number | { readonly redirect: string } | "never" | "endless" | "torn" = () => 200;
  #server: Server | null = null;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook?token=in-the-address`;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () => {
        const answer = this.answer(this.received.push({ headers: request.headers, body }) - 1);
        if (answer === "never") return;
        if (answer === "torn") {
          response.writeHead(200, { "content-length": 100 }).write("some");
          setTimeout(() => response.destroy(), 20);
        } else if (answer === "endless") {
          response.writeHead(200);
          const more = setInterval(() => response.write("x".repeat(65_536)), 1);
          response.on("close", () => {
            clearInterval(more);
          });
        } else if (typeof answer === "number") response.writeHead(answer).end("said too much");
        else response.writeHead(302, { location: answer.redirect }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Keeps the port for the next start. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }
}
