/** The catalogue's worker thread: sql.js blocks while it works, so it does so here. */
import { setFlagsFromString } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { TrainyardError, type ApiError } from "../../protocol/errors.ts";
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
// V8 compiles WebAssembly that is called often a second time. For SQLite's interpreter loop that takes 29 MB on a thread of V8's own, of which
// the C library keeps up to 10, and makes nothing quicker that anybody asks for.
for (const flag of ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"]) setFlagsFromString(flag);
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
