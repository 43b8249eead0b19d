/** What the SDK has said so far in all attempts of a run, folded into one state. */
import type { JsonObject } from "../../protocol/json.ts";
import type { ReportRecord } from "../../protocol/report.ts";
import type { EndRecord, PlanRecord } from "./outcome.ts";

export class ReportState {
  /** Params reported by the script; later ones win. */
  params: JsonObject = {};
  /** Of the newest attempt. */
  plan: PlanRecord | null = null;
  end: EndRecord | null = null;
  helloPid: number | null = null;
  gracefulStop = false;
  dropped = 0;

  /** A new attempt starts: what belongs to the one before is forgotten, the params stay. */
  beginAttempt(): void {
    this.plan = null;
    this.end = null;
    this.helloPid = null;
    this.gracefulStop = false;
  }

  add(record: ReportRecord): void {
    switch (record.type) {
      case "hello":
        this.helloPid = record.pid;
        break;
      case "params":
        this.params = { ...this.params, ...record.params };
        break;
      case "plan":
        this.plan = record;
        break;
      case "framework":
        this.gracefulStop ||= record.graceful_stop;
        break;
      case "end":
        this.end = record;
        break;
      case "dropped":
        this.dropped += record.count;
        break;
      case "checkpoint":
      case "artifact":
      case "message":
        break;
    }
  }
}
