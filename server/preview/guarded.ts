/** Previews of hostile files: in a thread with bounds on memory and time. */
import path from "node:path";
import { Worker } from "node:worker_threads";
import type { ParquetPreview } from "../../protocol/export.ts";
import { findPackageRoot, isBundled } from "../package-root.ts";
import type { ParquetRequest } from "./parquet.ts";

export type ParquetOutcome = { readonly preview: ParquetPreview } | { readonly problem: string };

const MAX_HEAP_MB = 512;
const TIMEOUT_MS = 20_000;

/** Never throws: a file that cannot be read is a problem to be told. */
export async function guardedParquet(request: ParquetRequest): Promise<ParquetOutcome> {
  if (isBundled()) return inThread(path.join(findPackageRoot(), "dist", "preview-worker.cjs"), request);
  try {
    const { previewParquet } = await import("./parquet.ts");
    return { preview: await previewParquet(request) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

/** @param file the built worker */
export async function inThread(file: string, request: ParquetRequest): Promise<ParquetOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(file, { workerData: request, resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB } });
    const end = (outcome: ParquetOutcome): void => {
      clearTimeout(timer);
      resolve(outcome);
      void worker.terminate();
    };
    const timer = setTimeout(() => {
      end({ problem: `reading it took more than ${TIMEOUT_MS / 1000} seconds` });
    }, TIMEOUT_MS);
    worker.once("message", end);
    worker.once("error", (error: Error) => {
      end({ problem: error.message });
    });
    worker.once("exit", () => {
      end({ problem: "the thread that read it ended" });
    });
  });
}
