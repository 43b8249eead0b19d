/** The thread that opens one file that somebody else wrote: what it claims may exhaust the thread, not the server. */
import { parentPort, workerData } from "node:worker_threads";
import { previewParquet, type ParquetRequest } from "./parquet.ts";

const port = parentPort;
if (port === null) throw new Error("previews are made in a worker thread");
void previewParquet(workerData as ParquetRequest).then(
  (preview) => {
    port.postMessage({ preview });
  },
  (error: unknown) => {
    port.postMessage({ problem: error instanceof Error ? error.message : String(error) });
  },
);
