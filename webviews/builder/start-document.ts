/** From the document on the page to a run or a sweep, and to the page that shows it. */
import type { CreateRun } from "../../protocol/queries.ts";
import type { Transport } from "../transport/transport.ts";
import { planBody } from "./checks.ts";
import type { RunDocument } from "./run-document.ts";

/** Checks of interpreter and data import what they need. */
const PATIENCE_MS = 120_000;

/** @param queue wait for its turn, instead of starting at once. @throws TrainyardError what the server refused */
export async function startDocument(transport: Transport, document: RunDocument, body: CreateRun, queue: boolean): Promise<void> {
  document.flush();
  if (document.kind === "file" && document.dirty) transport.command({ command: "save_document" });
  if (body.spec.sweep !== undefined) {
    const { id } = await transport.request("createSweep", { body: planBody(body), timeoutMs: PATIENCE_MS });
    transport.command({ command: "open_sweep", sweep: id });
    return;
  }
  const { id } = await transport.request("createRun", { body: { ...body, queue, source: document.text ?? "" }, timeoutMs: PATIENCE_MS });
  transport.command({ command: "open_run", run: id });
}
