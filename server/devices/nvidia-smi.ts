/**
 * GPUs by one long-lived `nvidia-smi`: starting it anew for each sample costs tens of milliseconds of a core. It prints one line per GPU and
 * beat, and much else: `[N/A]`, `[Not Supported]`, driver errors. What it does not say stays null.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";
import type { GpuSample } from "../../protocol/system.ts";

const FIELDS = "index,uuid,name,utilization.gpu,memory.used,memory.total,temperature.gpu,power.draw,power.limit";
const NUMBERS = 6;
const MEBIBYTE = 1024 * 1024;
const MAX_LINE = 4096;
const MIN_BACKOFF_MS = 5_000;
const MAX_BACKOFF_MS = 300_000;

/** One line of `--format=csv,noheader,nounits`; null when it is anything else. */
export function parseGpuLine(line: string): GpuSample | null {
  const parts = line.split(",").map((part) => part.trim());
  if (parts.length < 3 + NUMBERS) return null;
  const index = parts[0] ?? "";
  if (!/^\d{1,4}$/.test(index)) return null;
  // A name may hold commas: it is whatever stands between the first two and the last six.
  const name = parts.slice(2, parts.length - NUMBERS).join(", ");
  const [utilization, used, total, temperature, power, limit] = parts.slice(-NUMBERS).map(parseNumber);
  const bytes = (mebibytes: number | null | undefined): number | null => (mebibytes == null ? null : Math.round(mebibytes * MEBIBYTE));
  return {
    index: Number(index),
    uuid: /^(GPU|MIG)-/.test(parts[1] ?? "") ? (parts[1] ?? null) : null,
    name: name === "" || name.startsWith("[") ? "GPU" : name,
    utilization_percent: utilization ?? null,
    memory_used_bytes: bytes(used),
    memory_total_bytes: bytes(total),
    temperature_celsius: temperature ?? null,
    power_watts: power ?? null,
    power_limit_watts: limit ?? null,
  };
}

/** null for everything that is not a plain number that a GPU can have. */
function parseNumber(text: string): number | null {
  return /^\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : null;
}

/** The same GPU, with nothing known about what it does now. */
function withoutValues(gpu: GpuSample): GpuSample {
  return { ...gpu, utilization_percent: null, memory_used_bytes: null, temperature_celsius: null, power_watts: null };
}

export interface NvidiaSmiOptions {
  readonly intervalMs: number;
  /** The program. Default: `nvidia-smi` on the PATH. */
  readonly command?: string;
}

export class NvidiaSmi {
  readonly #options: NvidiaSmiOptions;
  readonly #gpus = new Map<number, { sample: GpuSample; time: number }>();
  #child: ChildProcessByStdio<null, Readable, null> | null = null;
  #restart: NodeJS.Timeout | null = null;
  #backoffMs = MIN_BACKOFF_MS;
  #wanted = false;
  /** There is no such program: this machine has no such GPU. */
  #absent = false;

  constructor(options: NvidiaSmiOptions) {
    this.#options = options;
  }

  /** Starts the child unless it runs. Failures are quiet: it is tried again, more and more seldom. */
  start(): void {
    this.#wanted = true;
    if (this.#child !== null || this.#restart !== null || this.#absent) return;
    const args = [`--query-gpu=${FIELDS}`, "--format=csv,noheader,nounits", "-lms", String(this.#options.intervalMs)];
    // LC_ALL: a decimal comma would split the fields.
    const env = { ...process.env, LC_ALL: "C" };
    const child = spawn(this.#options.command ?? "nvidia-smi", args, { stdio: ["ignore", "pipe", "ignore"], env, windowsHide: true });
    this.#child = child;
    child.unref();
    let rest = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      // The last one is not whole yet; what grows beyond any line is not ours.
      rest = (lines.pop() ?? "").slice(-MAX_LINE);
      for (const line of lines) this.#read(line);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      this.#absent = error.code === "ENOENT" || error.code === "EACCES";
      this.#ended(child);
    });
    child.on("exit", () => {
      this.#ended(child);
    });
  }

  stop(): void {
    this.#wanted = false;
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#restart = null;
    const child = this.#child;
    this.#child = null;
    child?.kill("SIGTERM");
    child?.stdout.destroy();
  }

  /** GPUs by index. One that has not been heard of for three beats keeps its name and loses its values. */
  latest(now: number): GpuSample[] {
    const fresh = now - 3 * this.#options.intervalMs;
    return [...this.#gpus.values()]
      .sort((a, b) => a.sample.index - b.sample.index)
      .map(({ sample, time }) => (time >= fresh ? sample : withoutValues(sample)));
  }

  #read(line: string): void {
    const sample = parseGpuLine(line);
    if (sample === null) return;
    this.#backoffMs = MIN_BACKOFF_MS;
    this.#gpus.set(sample.index, { sample, time: Date.now() });
  }

  #ended(child: ChildProcessByStdio<null, Readable, null>): void {
    if (this.#child !== child) return;
    this.#child = null;
    if (!this.#wanted || this.#absent) return;
    this.#restart = setTimeout(() => {
      this.#restart = null;
      if (this.#wanted) this.start();
    }, this.#backoffMs);
    this.#restart.unref();
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
  }
}
