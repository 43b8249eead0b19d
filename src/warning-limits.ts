/**
 * The limits from which GPUs are warned of. The store keeps them, so that all windows and webhooks warn alike; those that the settings
 * name are written to it.
 */
import * as vscode from "vscode";
import { DEFAULT_GPU_LIMITS, type GpuLimits } from "../protocol/gpu-warnings.ts";
import { Emitter } from "./emitter.ts";
import type { ServerConnection } from "./server/connection.ts";
import { readSettings } from "./settings.ts";

export class WarningLimits implements vscode.Disposable {
  readonly #connection: ServerConnection;
  readonly #log: (text: string) => void;
  readonly #changed = new Emitter<GpuLimits>();
  readonly onChange = this.#changed.event;
  readonly #subscriptions: { dispose(): void }[];
  #limits = DEFAULT_GPU_LIMITS;

  constructor(connection: ServerConnection, log: (text: string) => void) {
    this.#connection = connection;
    this.#log = log;
    this.#subscriptions = [
      connection.onState(({ kind }) => {
        if (kind === "connected") this.#apply();
      }),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration("trainyard") && connection.state.kind === "connected") this.#apply();
      }),
    ];
  }

  get current(): GpuLimits {
    return this.#limits;
  }

  dispose(): void {
    for (const each of this.#subscriptions) each.dispose();
    this.#changed.dispose();
  }

  #apply(): void {
    this.#exchange().catch((error: unknown) => {
      this.#log(`the limits of warnings are not those of the settings: ${String(error)}`);
    });
  }

  async #exchange(): Promise<void> {
    const api = await this.#connection.api();
    const settings = readSettings();
    const kept = await api.call("getNotifySettings");
    const wanted = {
      gpu_celsius: settings?.gpuTemperatureWarning ?? kept.gpu_celsius,
      gpu_memory_percent: settings?.gpuMemoryWarning ?? kept.gpu_memory_percent,
    };
    const differs = wanted.gpu_celsius !== kept.gpu_celsius || wanted.gpu_memory_percent !== kept.gpu_memory_percent;
    this.#limits = differs ? await api.call("editNotifySettings", { body: wanted }) : kept;
    this.#changed.fire(this.#limits);
  }
}
