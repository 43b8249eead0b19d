/** What the devices room offers: samples of the machine and of the live runs' process groups. */
import type { RunId } from "../../protocol/ids.ts";
import type { RunUsage, SystemSample } from "../../protocol/system.ts";

export interface Devices {
  /** Samples of the last `minutes`, oldest first; takes one when there is none yet. */
  history(minutes: number): Promise<SystemSample[]>;
  /** Listeners make the sampler run at its full rate; the returned function ends that. */
  onSample(listener: (sample: SystemSample) => void): () => void;
  onUsage(listener: (run: RunId, usage: RunUsage) => void): () => void;
  close(): Promise<void>;
}
