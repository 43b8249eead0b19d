/** The sampler: at its full rate while runs live or somebody watches, seldom otherwise. */
import type { RunId } from "../../protocol/ids.ts";
import type { RunUsage, SystemSample } from "../../protocol/system.ts";
import { HostSampler } from "./host.ts";
import { NvidiaSmi } from "./nvidia-smi.ts";
import type { RunSamples } from "./run-samples.ts";
import { otherAdapters } from "./static-facts.ts";
import type { Devices } from "./types.ts";

export interface DevicesOptions {
  /** Its filesystem is the one whose free space is told. */
  readonly storeRoot: string;
  /** Live run → its newest attempt. */
  readonly liveProcesses: () => ReadonlyMap<RunId, { readonly attempt: number }>;
  /** Keeps the samples of live runs in their folders; null where nothing can be written. */
  readonly runSamples: RunSamples | null;
  readonly log: (text: string) => void;
  readonly intervalMs?: number;
  readonly idleIntervalMs?: number;
  readonly nvidiaSmi?: string;
}

const INTERVAL_MS = 2_000;
const IDLE_INTERVAL_MS = 30_000;
/** Four hours at the full rate. */
const HISTORY_SAMPLES = 7_200;
const FIRST_SAMPLES = 2;

export function createDevices(options: DevicesOptions): Devices {
  const intervalMs = options.intervalMs ?? INTERVAL_MS;
  const idleIntervalMs = options.idleIntervalMs ?? IDLE_INTERVAL_MS;
  const host = new HostSampler(options.storeRoot);
  const gpus = new NvidiaSmi({ intervalMs, ...(options.nvidiaSmi !== undefined && { command: options.nvidiaSmi }) });
  const history: SystemSample[] = [];
  const sampleListeners = new Set<(sample: SystemSample) => void>();
  const usages = new Map<RunId, RunUsage>();
  let timer: NodeJS.Timeout | null = null;
  let current: Promise<SystemSample> | null = null;
  let samples = 0;
  let closed = false;

  /** The first samples count as asked for: they tell which GPUs there are. */
  const busy = (): boolean => samples <= FIRST_SAMPLES || sampleListeners.size > 0 || options.liveProcesses().size > 0;

  async function sample(): Promise<SystemSample> {
    samples++;
    if (busy()) gpus.start();
    else gpus.stop();
    const now: SystemSample = { ...(await host.sample()), gpus: gpus.latest(Date.now()) };
    history.push(now);
    if (history.length > HISTORY_SAMPLES) history.splice(0, history.length - HISTORY_SAMPLES);
    const live = options.liveProcesses();
    for (const listener of sampleListeners) listener(now);
    await options.runSamples?.write(live, now, usages);
    usages.clear();
    return now;
  }

  /** One at a time, whoever asks. */
  async function sampleOnce(): Promise<SystemSample> {
    current ??= sample().finally(() => {
      current = null;
    });
    return current;
  }

  function beat(): void {
    sampleOnce()
      .catch((error: unknown) => {
        options.log(`the machine could not be sampled: ${error instanceof Error ? error.message : String(error)}`);
      })
      .finally(() => {
        schedule(busy() ? intervalMs : idleIntervalMs);
      });
  }

  function schedule(delay: number): void {
    if (closed) return;
    if (timer !== null) clearTimeout(timer);
    timer = setTimeout(beat, delay);
    timer.unref();
  }

  schedule(Math.min(intervalMs, 500));

  return {
    async history(minutes) {
      if (history.length === 0) await sampleOnce();
      const since = Date.now() - minutes * 60_000;
      return history.filter((past) => past.time >= since);
    },
    latest: () => history.at(-1) ?? null,
    onSample(listener) {
      const own = (past: SystemSample): void => {
        listener(past);
      };
      sampleListeners.add(own);
      // The newest at once; the beat may have been the slow one.
      const newest = history.at(-1);
      if (newest !== undefined && Date.now() - newest.time < intervalMs) own(newest);
      schedule(Math.min(intervalMs, 100));
      return () => {
        sampleListeners.delete(own);
      };
    },
    async gpuNames() {
      const seen = gpus.latest(Date.now()).map((gpu) => gpu.name);
      return seen.length > 0 ? seen : otherAdapters();
    },
    noteUsage: (run, usage) => {
      usages.set(run, usage);
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      gpus.stop();
      await current?.catch(() => undefined);
      await options.runSamples?.close();
    },
  };
}
