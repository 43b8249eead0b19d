/** What the devices room offers: samples of the machine. */
import type { RunId } from "../../protocol/ids.ts";
import type { RunUsage, SystemSample } from "../../protocol/system.ts";

export interface Devices {
  /** Samples of the last `minutes`, oldest first; takes one when there is none yet. */
  history(minutes: number): Promise<SystemSample[]>;
  /** The newest sample, taken when it was due; null before the first. */
  latest(): SystemSample | null;
  /** Listeners make the sampler run at its full rate; the returned function ends that. */
  onSample(listener: (sample: SystemSample) => void): () => void;
  /** Names of the GPUs that are sampled, by index; where there is none, of the machine's other display adapters. */
  gpuNames(): Promise<readonly string[]>;
  /** What a live run's processes use; it is kept with the run's samples. */
  noteUsage(run: RunId, usage: RunUsage): void;
  close(): Promise<void>;
}
