/** The stream of the run server over a WebSocket of Node. */
import WebSocket from "ws";
import { createStreamClient, type StreamClient, type StreamClientOptions } from "../../protocol/stream-client.ts";

export function openStream(options: Pick<StreamClientOptions, "address" | "onStatus">): StreamClient {
  return createStreamClient({
    ...options,
    connect: (url, protocols) => new WebSocket(url, protocols, { perMessageDeflate: false }),
    minBackoffMs: 200,
    maxBackoffMs: 3000,
  });
}
