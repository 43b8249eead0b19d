/** The memory of the server's process: what the system counts, and what V8 says of its own heap. */
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import WebSocket from "ws";

const MIB = 1024 * 1024;

export interface MemorySample {
  /** Seconds since the sampling began. */
  readonly at: number;
  /** MiB. `anonymous` is the part that is no mapped file: heaps, columns, buffers. */
  readonly resident: number;
  readonly anonymous: number;
  /** JavaScript objects in use, and the room that V8 holds for them; MiB. */
  readonly heapUsed: number;
  readonly heapTotal: number;
}

/** Asks a server that listens for a debugger. Nothing is collected for it: what is measured is what a user would see. */
export class HeapProbe {
  readonly #socket: WebSocket;
  #next = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  /** @throws Error when nobody listens at the port */
  static async connect(port: number): Promise<HeapProbe> {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`);
    const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
    if (target === undefined) throw new Error("the server's debugger names no target");
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", () => {
        resolve();
      });
      socket.once("error", reject);
    });
    return new HeapProbe(socket);
  }

  /** MiB in use, and MiB held. */
  async usage(): Promise<{ used: number; total: number }> {
    const id = this.#next++;
    const answer = new Promise<{ usedSize: number; totalSize: number }>((resolve, reject) => {
      const take = (data: WebSocket.RawData): void => {
        const message = JSON.parse((data as Buffer).toString("utf8")) as { id?: number; result: { usedSize: number; totalSize: number } };
        if (message.id !== id) return;
        this.#socket.off("message", take);
        this.#socket.off("close", fail);
        resolve(message.result);
      };
      const fail = (): void => {
        reject(new Error("the server has ended"));
      };
      this.#socket.on("message", take);
      this.#socket.once("close", fail);
    });
    this.#socket.send(JSON.stringify({ id, method: "Runtime.getHeapUsage" }));
    const { usedSize, totalSize } = await answer;
    return { used: usedSize / MIB, total: totalSize / MIB };
  }

  close(): void {
    this.#socket.terminate();
  }
}

/** Resident memory in MiB. @throws Error when the process has ended */
export function residentMemory(pid: number): { resident: number; anonymous: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mib = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? NaN) / 1024;
  return { resident: mib("VmRSS"), anonymous: mib("RssAnon") };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}
