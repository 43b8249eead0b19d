/** The catalogue's worker thread: sql.js blocks while it works, so it does so here. */
import { parentPort, workerData } from "node:worker_threads";
import { TrainyardError, type ApiError } from "../../protocol/errors.ts";
import { compileWasmOnce } from "../heap.ts";
import { IndexKeeper, type KeeperOptions } from "./keeper.ts";
import type { AnswerTo, CatalogRequest, Operation } from "./types.ts";

export interface NumberedRequest {
  readonly number: number;
  readonly request: CatalogRequest;
}

/** An error that is the asker's own doing travels with its code; any other as its stack. */
export type NumberedReply = { readonly number: number } & (
  { readonly answer: AnswerTo<Operation> } | { readonly refused: ApiError } | { readonly error: string }
);

const port = parentPort;
if (port === null) throw new Error("the catalogue's worker runs as a worker thread only");
compileWasmOnce();
const keeper = IndexKeeper.open(workerData as KeeperOptions);
let last: Promise<void> = Promise.resolve();

port.on("message", ({ number, request }: NumberedRequest) => {
  // One after the other: a list must see the changes that were sent before it.
  last = last.then(async () => {
    let reply: NumberedReply;
    try {
      reply = { number, answer: (await keeper).carryOut(request) };
    } catch (error) {
      if (error instanceof TrainyardError) reply = { number, refused: error.toApi() };
      else reply = { number, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    port.postMessage(reply);
    if (request.op === "close") port.close();
  });
});
